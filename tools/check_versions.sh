#!/usr/bin/env bash
# Install, tests and quick start with the oldest, a middle and the newest torch, on
# each Python; every cell in a virtual environment of its own, removed afterwards:
#   bash tools/check_versions.sh [-p PYTHONS] [-t TORCHES] [-l FOLDER] [-- PYTEST ARGS]
#   bash tools/check_versions.sh -p 3.12 -t 2.6.0 -- tests/functional
# PYTHONS and TORCHES are words in quotes; "newest" is what pip takes by itself.
# python3.11 and python3.12 must be on the PATH. Each cell's output goes to FOLDER.
set -uo pipefail
cd "$(dirname "$0")/.."

pythons='3.11 3.12'
torches='2.6.0 2.11.0 newest'
logs=$(mktemp -d)
while getopts p:t:l: flag; do
    case $flag in
        p) pythons=$OPTARG ;;
        t) torches=$OPTARG ;;
        l) logs=$OPTARG ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
mkdir -p "$logs"
environment=
trap 'rm -rf "$environment"' EXIT

install() { # PYTHON TORCH
    local torch=torch
    [ "$2" = newest ] || torch="torch==$2"
    "python$1" -m venv "$environment" || return
    # torchvision's own requirement names the torch that it belongs to.
    "$environment/bin/pip" install "$torch" torchvision -e '.[dev]'
}

quick_start() {
    "$environment/bin/python" tools/train.py configs/mcmi/quickstart_digits.py \
        --work-dir "$environment/work_dirs/run"
}

step() { # LOG COMMAND...: ok or FAILED, and the minutes
    local log=$1 start=$SECONDS result=ok
    shift
    echo "+ $*" >>"$log"
    "$@" >>"$log" 2>&1 || result=FAILED
    printf '%s (%d min)' "$result" $(((SECONDS - start + 59) / 60))
    [ "$result" = ok ]
}

status=0
rows=
for python in $pythons; do
    for torch in $torches; do
        environment=$(mktemp -d)
        log=$logs/python$python-torch$torch.log
        : >"$log"
        tests=- quick=- found=-
        if installed=$(step "$log" install "$python" "$torch"); then
            found=$("$environment/bin/python" -c \
                'import torch, torchvision as v; print(torch.__version__, v.__version__)')
            tests=$(step "$log" "$environment/bin/python" -m pytest "$@") || status=1
            quick=$(step "$log" quick_start) || status=1
        else
            status=1
        fi
        rows+="| $python | $torch | $found | $installed | $tests | $quick |"$'\n'
        rm -rf "$environment"
    done
done
echo '| Python | torch | torch, torchvision found | install | tests | quick start |'
echo '|---|---|---|---|---|---|'
printf '%s' "$rows"
echo "output of each: $logs"
exit $status
