#!/bin/sh
# npm run bench -- NAME [--quick] [--json]
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/node/bin/node bench/run.ts "$@"
