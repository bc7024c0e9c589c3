#!/usr/bin/env bash
# Builds the fuzzers and runs them: fuzz.sh SECONDS NAME…, fuzz.sh SECONDS all or fuzz.sh smoke.
# `smoke` runs all of them, a minute each for the languages that users write and for their matchers,
# three seconds for the others.
# What they learn is kept in .build-fuzz/corpus, what they break in .build-fuzz/crashes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=$1
shift
long_fuzzers=(filter-pattern insights insights-run)
swift=${SWIFT:-swift}
scratch=.build-fuzz
# Optimised, or most of the time goes by in bounds checks of debug code; with internals visible,
# because the fuzzers test them.
build=("$swift" build -c release --scratch-path "$scratch" --sanitize=fuzzer
  -Xswiftc -enable-testing --product logagent-fuzz)
export LOGAGENT_FUZZ=1
"${build[@]}" --quiet >&2
binary=$("${build[@]}" --show-bin-path)/logagent-fuzz

if [ "$seconds" = smoke ]; then
  # The long ones first, so that the short ones run beside the last of them.
  mapfile -t names < <(printf '%s\n' "${long_fuzzers[@]}"
    "$binary" --list | grep -vxF "$(printf '%s\n' "${long_fuzzers[@]}")")
elif [ "$*" = all ]; then
  mapfile -t names < <("$binary" --list)
else
  names=("$@")
fi
if [ "${#names[@]}" = 0 ]; then
  echo "name a fuzzer (T=…) or 'all':" >&2
  "$binary" --list >&2
  exit 64
fi

run() {
  local name=$1 log=$scratch/$1.log seconds=$seconds
  if [ "$seconds" = smoke ]; then
    case " $long " in *" $name "*) seconds=60 ;; *) seconds=3 ;; esac
  fi
  mkdir -p "$scratch/corpus/$name" "$scratch/crashes"
  # One input may take ten seconds and the process 1 GiB: beyond that it is a finding. Swift's own
  # crash reporter would keep libFuzzer from writing the input down.
  local seeds=("$scratch/corpus/$name")
  if [ -d "Tests/Fuzz/corpus/$name" ]; then seeds+=("Tests/Fuzz/corpus/$name"); fi
  if SWIFT_BACKTRACE=enable=no "$binary" "$name" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$scratch/crashes/$name-" \
    "${seeds[@]}" >"$log" 2>&1; then
    local count
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "fuzz $name: ok, $count inputs in $seconds s"
    return 0
  fi
  grep -m 6 -aE '\.swift:[0-9]+: |Fatal error|ERROR|SUMMARY' "$log" || tail -n 20 "$log"
  local input
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  # Once more with the crash reporter, for the names of the functions.
  if [ -n "$input" ]; then
    { SWIFT_BACKTRACE=enable=yes,color=no "$binary" "$name" "$input" 2>&1 || true; } |
      grep -aE '^ *[0-9]+ .* in logagent-fuzz at /.*\.swift' | head -n 12 || true
  fi
  echo "fuzz $name: FAILED on ${input:-an input that was not written}; the log is $log"
  return 1
}
export -f run
export binary seconds scratch long="${long_fuzzers[*]}"
printf '%s\0' "${names[@]}" | xargs -0 -n 1 -P 2 bash -c 'set -euo pipefail; run "$1"' run
