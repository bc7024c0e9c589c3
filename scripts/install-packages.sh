#!/usr/bin/env bash
# Installs Debian packages that are missing; does nothing, and needs no root, when none is.
set -euo pipefail

missing=()
for package in "$@"; do
  status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] && continue
  # A command that came another way, such as Docker's own packages, is good too.
  case "$package" in
    docker.io) command -v dockerd >/dev/null && continue ;;
    busybox-static) ldd "$(command -v busybox)" 2>&1 | grep -q 'not a dynamic' && continue ;;
    zstd | gzip | curl) command -v "$package" >/dev/null && continue ;;
    systemd) command -v systemd-analyze >/dev/null && continue ;;
  esac
  missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "missing, and there is no apt-get to install it with: ${missing[*]}" >&2
  exit 1
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "missing: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
# Packages may start services when they are installed; this is a set-up for builds, so they do not.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
  "${root[@]}" chmod 755 "$policy"
  made=1
fi
trap '[ -z "$made" ] || "${root[@]}" rm -f "$policy"' EXIT
install() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet --no-install-recommends "${missing[@]}" >&2
}
"${root[@]}" apt-get update --quiet >&2 || echo "apt-get update failed; going on" >&2
install
