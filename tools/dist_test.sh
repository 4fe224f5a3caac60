#!/usr/bin/env bash
# Evaluate on several GPUs of this machine, or on CPU processes:
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [flags of test.py]
set -eu
if [[ ! ${3:-} =~ ^[1-9][0-9]*$ ]]; then
    echo "error: PROCESSES is no number; usage: bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [flags of test.py]" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
PROCESSES=$3

# A signal to this script is to reach the job: so exec.
exec torchrun \
    --nnodes="${NNODES:-1}" \
    --node-rank="${NODE_RANK:-0}" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" \
    --master-port="${PORT:-29500}" \
    --nproc-per-node="$PROCESSES" \
    "$(dirname "$0")/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
