#!/usr/bin/env bash
# Strips a release build into its place and refuses one that is too large or carries ICU.
#   package-release.sh BUILT TARGET BYTES_MAX
set -euo pipefail
built=$1 target=$2 bytes_max=$3

mkdir -p "$(dirname "$target")"
cp "$built" "$target.tmp"
strip "$target.tmp"
size=$(stat --format %s "$target.tmp")
# Full Foundation brings ICU: 40 MB more, and twice the memory at rest. Names survive in the
# unstripped build, data in the stripped one.
# (No `grep -q`: it would leave nm with a broken pipe, which pipefail takes for "not found".)
names='FoundationInternationalization| _?uloc_'
if { nm "$built" 2>/dev/null || true; } | grep -E "$names" >/dev/null; then
  echo "error: $built carries ICU; something imports Foundation" >&2
  exit 1
fi
if grep -qaE 'icudt[0-9]+|_foundation_unicode' "$target.tmp"; then
  echo "error: $built carries ICU's data; something imports Foundation" >&2
  exit 1
fi
if [ "$size" -gt "$bytes_max" ]; then
  echo "error: $target has $size bytes, the budget is $bytes_max" >&2
  exit 1
fi
mv "$target.tmp" "$target"
echo "$target: $size bytes of $bytes_max, no ICU"
