#!/bin/sh
# The main job, from a fresh clone: install what is missing, bring up a cluster, show it.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
./fairlead up
exec ./fairlead status
