#!/bin/sh
# npm test [-- unit|netns|e2e|property|fuzz|docs …]: install what is missing, check, run every test.
# The last line counts: "N passed, N failed, N skipped".
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/node/bin/node scripts/run-tests.ts "$@"
