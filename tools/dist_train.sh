#!/usr/bin/env bash
# Train on several GPUs of this machine, or on CPU processes where it has none:
#   bash tools/dist_train.sh CONFIG PROCESSES [flags of train.py]
# Several machines: NNODES, NODE_RANK and MASTER_ADDR, as for torchrun.
set -eu
if [[ ! ${2:-} =~ ^[1-9][0-9]*$ ]]; then
    echo "error: PROCESSES is no number; usage: bash tools/dist_train.sh CONFIG PROCESSES [flags of train.py]" >&2
    exit 2
fi
CONFIG=$1
PROCESSES=$2

# A signal to this script is to reach the job: so exec.
exec torchrun \
    --nnodes="${NNODES:-1}" \
    --node-rank="${NODE_RANK:-0}" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" \
    --master-port="${PORT:-29500}" \
    --nproc-per-node="$PROCESSES" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "${@:3}"
