#!/usr/bin/env bash
# Shows logagent at work, in a folder of its own: a receiver, a command whose output is captured,
# the daemon that stores and forwards it, and queries.
#   demo.sh LOGAGENT
set -euo pipefail

logagent=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/logagent-demo.XXXXXX")
children=()
finish() {
  for child in "${children[@]:-}"; do
    [ -z "$child" ] || kill "$child" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
show() {
  printf '\033[2m$ logagent %s\033[0m\n' "$*" >&2
  # Behind the command's name: what follows `--` belongs to the command that exec runs.
  "$logagent" "$1" --config "$folder/logagent.yml" "${@:2}"
}
wait_for() { # wait_for SECONDS COMMAND…: until the command succeeds
  local tries=$(($1 * 10))
  shift
  for ((try = 0; try < tries; try++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "demo: gave up waiting for: $*" >&2
  return 1
}
failed() {
  echo "demo: $1; its output:" >&2
  cat "$2" >&2
  exit 1
}

# A port that nobody listens on.
port=$((20000 + RANDOM % 20000))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((20000 + RANDOM % 20000)); done

cat > "$folder/logagent.yml" <<CONFIG
dataDirectory: $folder/data
sources:
  docker: { enabled: false }
resources:
  demo:
    logging:
      retentionDays: 7
      logForwarding:
        type: http-endpoint
        properties:
          endpointUrl: http://127.0.0.1:$port/ingest
          gzipEncodingEnabled: true
          parameters: { environment: demo }
forward: { flushSeconds: 1, allowInsecure: true }
CONFIG

say "1. The configuration"
show check "$folder/logagent.yml"

say "2. An endpoint that takes what is forwarded, and says what is wrong with a request"
"$logagent" receive --listen "127.0.0.1:$port" > "$folder/received" 2> "$folder/receive.log" &
children+=($!)
wait_for 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || failed "no receiver" "$folder/receive.log"
echo "listening on 127.0.0.1:$port"

say "3. The daemon"
"$logagent" run --config "$folder/logagent.yml" 2> "$folder/run.log" &
daemon=$!
children+=("$daemon")
wait_for 10 "$logagent" status --config "$folder/logagent.yml" \
  || failed "no daemon" "$folder/run.log"
echo "running as process $daemon"

say "4. A command; its output is stored, also when it or the terminal is killed"
show exec --resource demo -- sh -c '
  echo "INFO starting the nightly report"
  for order in 1001 1002 1003; do echo "INFO order $order charged"; done
  echo "ERROR order 1004: card declined" >&2
  echo "{\"level\":\"info\",\"message\":\"done\",\"orders\":4}"'

say "5. Its logs"
is_stored() { "$logagent" logs demo --config "$folder/logagent.yml" | grep -q '"orders":4'; }
wait_for 15 is_stored || failed "the output did not arrive" "$folder/run.log"
show logs demo

say "6. Only the errors"
show logs demo --filter ERROR

say "7. What the endpoint got"
wait_for 15 grep -q 'card declined' "$folder/received" \
  || failed "nothing was received" "$folder/run.log"
cat "$folder/received"

say "8. What is stored"
show groups
kill -TERM "$daemon"
wait "$daemon" || failed "the daemon did not end with status 0" "$folder/run.log"
find "$folder/data" -type f -printf '%8s  %P\n' | sort -k 2

say "That was all in $folder, which is removed now."
