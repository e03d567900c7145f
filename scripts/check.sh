#!/bin/sh
# Types, lint, format, boundaries, dead code and unit tests, side by side; prints what failed and nothing else.
set -u
cd "$(dirname "$0")/.." || exit 1
node=node_modules/node/bin/node
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

run() {
  name=$1
  shift
  ("$@" >"$logs/$name.log" 2>&1; echo $? >"$logs/$name.status") &
}

run types node_modules/.bin/tsc
run lint node_modules/.bin/oxlint --type-aware src test bench scripts
run format node_modules/.bin/oxfmt --check
run boundaries $node scripts/check-boundaries.ts
run without-standalone $node scripts/check-without-standalone.ts
run dead-code $node node_modules/knip/bin/knip.js
run unit $node scripts/run-tests.ts unit
wait

failed=0
for status in "$logs"/*.status; do
  name=$(basename "$status" .status)
  if [ "$(cat "$status")" = 0 ]; then
    printf '  ok      %s\n' "$name"
  else
    failed=1
    printf '  FAILED  %s\n' "$name"
    sed 's/^/    /' "$logs/$name.log"
  fi
done
exit $failed
