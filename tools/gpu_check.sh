#!/usr/bin/env bash
# What this project does on a GPU, in at most nine minutes on an H100: its GPU tests,
# `python -m benchmarks gpu`, and one run on real images through tools/train.py.
#   bash tools/gpu_check.sh IMAGES [WHEELS [FOLDER]]
#   SMALL=1 bash tools/gpu_check.sh    # a trial on noise in tiny sizes, also without a GPU
# IMAGES is a folder of CIFAR-10, {train,val}/CLASS/*.png or .jpg, or an archive of one
# that tar reads. WHEELS is a folder with what the machine lacks; there is no network.
# From an environment of this project with the same Python:
#   pip freeze --exclude-editable | grep -vE '^(torch|triton|nvidia-|cuda-)' >wanted.txt
#   pip wheel --no-deps -w WHEELS -r wanted.txt
# torch and torchvision are the machine's own. FOLDER (work_dirs/gpu_check) gets the
# logs, gpu_check.json and gpu_check.md, which is what docs/performance.md takes as it
# is. A part that fails or is too slow is said there, and the others are done.
set -uo pipefail
cd "$(dirname "$0")/.."

small=${SMALL:-}
images=${1:-}
wheels=${2:-}
folder=${3:-work_dirs/gpu_check}
if [ -z "$images$small" ]; then
    echo 'which images? bash tools/gpu_check.sh IMAGES [WHEELS [FOLDER]]' >&2
    exit 2
fi
if [ -n "$(ls -A "$folder" 2>/dev/null)" ] && [ ! -e "$folder/gpu_check.log" ]; then
    echo "$folder holds something else, and would be emptied; name another FOLDER" >&2
    exit 2
fi
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
rm -rf "$folder"
mkdir -p "$folder"
touch "$folder/gpu_check.log" # by which the folder is known the next time

part() { # NAME SECONDS COMMAND: run it, and note how it went
    local name=$1 limit=$2 begin=$SECONDS status
    shift 2
    echo "+ $name (at most $limit s): $*"
    timeout "$limit" "$@" >"$folder/$name.log" 2>&1
    status=$?
    tail -n 3 "$folder/$name.log"
    echo "$name $status $((SECONDS - begin))" >>"$folder/parts.txt"
}

if [ -n "$wheels" ]; then
    printf '%s\n' "$wheels"/*.whl >"$folder/wheels.txt"
    part install $((small ? 600 : 90)) python -m pip install -q --no-index --no-deps \
        --no-compile -r "$folder/wheels.txt"
fi
if [ -z "$images" ]; then
    images=$folder/images
    python -m benchmarks.gpu_report --noise "$images" || exit 2
elif [ ! -d "$images" ]; then
    mkdir "$folder/images"
    tar -xf "$images" -C "$folder/images" || exit 2
    images=$(dirname "$(find "$folder/images" -type d -name train | head -n 1)")
fi

part tests $((small ? 600 : 130)) python -m pytest -n 0 -q -p no:cacheprovider \
    --junitxml "$folder/tests.xml" -k on_a_gpu tests/fast
part benchmark $((small ? 900 : 170)) python -m benchmarks gpu ${small:+--small} \
    --markdown --out "$folder/benchmark.json"
sizes=()
if [ -n "$small" ]; then
    sizes=(mcmi.epochs=1 mcmi.mll_epochs=1 train_cfg.max_epochs=1
        train_dataloader.batch_size=8)
fi
precision=()
if python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    precision=(--amp)
fi
part run $((small ? 900 : 170)) python tools/train.py benchmarks/real_images.py \
    --work-dir "$folder/run" "${precision[@]}" --cfg-options \
    "train_dataloader.dataset.data_root=$images" \
    "val_dataloader.dataset.data_root=$images" \
    "mcmi.teacher_dir=$folder/teachers" "${sizes[@]}"
rm -rf "$folder/images"
python -m benchmarks.gpu_report "$folder"
