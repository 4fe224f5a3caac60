#!/usr/bin/env bash
# Install, tests and quick start with the oldest, a middle and the newest torch, on
# each Python; every cell in a virtual environment of its own, removed afterwards:
#   bash tools/check_versions.sh [-p PYTHONS] [-t TORCHES] [-l FOLDER] [-- PYTEST ARGS]
#   bash tools/check_versions.sh -p 3.12 -t 2.6.0 -- tests/functional
# PYTHONS and TORCHES are words in quotes; "newest" is what pip takes by itself, and
# "uv" what uv does. A python3.N or uv that is not on the PATH is skipped, and so is a
# torch that does not exist for a Python; the table says so. Output goes to FOLDER.
set -uo pipefail
cd "$(dirname "$0")/.."

pythons='3.11 3.12 3.13 3.14'
torches='2.6.0 2.11.0 newest uv'
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

why_not() { # PYTHON TORCH: what keeps this cell from being tried, or nothing
    if ! command -v "python$1" >/dev/null; then
        echo "no python$1 on the PATH"
    elif [ "$2" = uv ]; then
        command -v uv >/dev/null || echo 'no uv on the PATH'
    elif [ "$2" != newest ]; then
        "python$1" -m venv "$environment" >/dev/null
        "$environment/bin/pip" install -q --dry-run --no-deps "torch==$2" \
            >/dev/null 2>&1 || echo "no torch $2 for Python $1"
    fi
}

install() { # PYTHON TORCH
    local torch=torch
    "python$1" -m venv "$environment" || return
    if [ "$2" = uv ]; then
        uv pip install --python "$environment/bin/python" -e '.[dev]'
        return
    fi
    [ "$2" = newest ] || torch="torch==$2"
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
tried=0
rows=
for python in $pythons; do
    for torch in $torches; do
        environment=$(mktemp -d)
        reason=$(why_not "$python" "$torch")
        if [ -n "$reason" ]; then
            rows+="| $python | $torch | - | skipped: $reason | - | - |"$'\n'
            rm -rf "$environment"
            continue
        fi
        tried=$((tried + 1))
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
[ "$tried" -gt 0 ] || { echo 'nothing was tried' >&2; exit 1; }
exit $status
