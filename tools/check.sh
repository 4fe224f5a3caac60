#!/usr/bin/env bash
# Everything that is checked before a change goes in, and by CI: linter, formatter, type
# checker, tests. Arguments go to pytest:
#   bash tools/check.sh
#   bash tools/check.sh -n0 tests/losses
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
    echo "+ $*"
    "$@"
}

step ruff check .
step ruff format --check .
step mypy
step pytest "$@"
