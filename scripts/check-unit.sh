#!/usr/bin/env bash
# Verifies a systemd unit, and that its exposure is within a threshold (in tenths).
#   check-unit.sh UNIT THRESHOLD
set -euo pipefail
unit=$1 threshold=$2

# The unit names programs where they will be installed; `verify` wants them to exist.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
copy="$folder/$(basename "$unit")"
sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' "$unit" > "$copy"
output=$(systemd-analyze verify --man=no "$copy" 2>&1) || { echo "$output" >&2; exit 1; }
# Unknown keys are only warnings to systemd. Those of other units on this machine are not ours.
if grep -F "$(basename "$unit")" <<<"$output" >&2; then
  exit 1
fi
report=$(systemd-analyze security --offline=yes --threshold="$threshold" --no-pager "$copy") || {
  echo "$report" >&2
  echo "error: the exposure of $unit is above $threshold tenths" >&2
  exit 1
}
tail -n 1 <<<"$report" | sed 's/^[^A-Za-z]*//'
