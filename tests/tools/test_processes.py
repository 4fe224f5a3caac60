"""The ImageNet recipe over two CPU processes, on a small folder of its layout."""

import os
import signal

import pytest
import torch
import torchvision
from imagenet_folder import overrides, write_folder
from jobs import Job


def test_dist_train_runs_the_whole_job(command, tmp_path, project, free_port):
    write_folder(tmp_path / 'pictures')
    weights = torchvision.models.resnet34(num_classes=4).state_dict()
    torch.save(weights, tmp_path / 'my_r34.pth')
    config = project / 'configs/mcmi/r34_r18_imagenet.py'
    args = [
        '--cfg-options', *overrides('pictures'), 'model.teacher_ckpt=my_r34.pth',
        'mcmi.lmda=0.2', 'mcmi.epochs=1',
    ]  # fmt: skip

    done = command('dist_train.sh', config, 2, *args, env={'PORT': free_port})

    assert 'teacher, MCMI' in done.stdout
    (made,) = tmp_path.glob('work_dirs/mcmi_teachers/*/teacher.pth')
    meta = torch.load(made, weights_only=True)['meta']['mcmi']
    recipe = meta['recipe']
    assert meta['lmda'] == 0.2 and recipe['epochs'] == 1
    # Both stages read the folder that train_dataloader.dataset.data_root names.
    # A recipe has a hash of what is in it, not its place.
    assert recipe['data_content'] and str(tmp_path) not in str(recipe)
    # The optimizer of resnet34_8xb32_in1k.py, from one fifth of its rate.
    assert recipe['optim_wrapper']['optimizer'] == dict(
        type='SGD', lr=pytest.approx(0.1 / 5), momentum=0.9, weight_decay=0.0001
    )
    # Nine samples over two processes of four: each counted once.
    assert meta['before']['train']['num_samples'] == 9
    assert meta['before']['val']['num_samples'] == 5
    student = tmp_path / 'work_dirs/r34_r18_imagenet/epoch_1.pth'

    done = command(
        'dist_test.sh', config, student, 2, '--cfg-options', *overrides('pictures'),
        env={'PORT': free_port},
    )  # fmt: skip
    assert 'accuracy/top1' in done.stdout


STARTER = """#!/usr/bin/env bash
# Stands for torchrun and for srun: notes that it was told to end, for 10 s at most.
trap 'touch told; exit 143' TERM
touch begun
for _ in {1..200}; do sleep 0.05; done
"""


@pytest.mark.parametrize(
    'words',
    [
        ['dist_train.sh', 'a.py', 2],
        ['dist_test.sh', 'a.py', 'a.pth', 2],
        ['slurm_train.sh', 'queue', 'job', 'a.py', 'run'],
        ['slurm_test.sh', 'queue', 'job', 'a.py', 'a.pth'],
    ],
)
def test_a_signal_to_the_script_reaches_the_job(words, tmp_path, project):
    for name in ('torchrun', 'srun'):
        (tmp_path / name).write_text(STARTER)
        (tmp_path / name).chmod(0o755)
    script, *args = words
    env = dict(PATH=f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    job = Job(tmp_path, 'bash', project / 'tools' / script, *args, env=env)
    job.wait_for('begun')
    assert job.end(signal.SIGTERM) == 143
    assert (tmp_path / 'told').is_file()


SRUN = """#!/usr/bin/env bash
# Stands for slurm's srun: notes its own arguments and runs the command once.
echo "$@" > srun_arguments
while [[ $1 != python ]]; do shift; done
export SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NTASKS=1 SLURM_NODELIST=localhost
export MASTER_ADDR=127.0.0.1 MASTER_PORT=$PORT
exec "$@"
"""


@pytest.mark.slow  # the same two commands, started by srun
def test_slurm_train_and_test(quickstart, command, tmp_path, project, free_port):
    """With a stand-in for srun, since there is no slurm here."""
    (tmp_path / 'srun').write_text(SRUN)
    (tmp_path / 'srun').chmod(0o755)
    config = project / 'configs/mcmi/quickstart_digits.py'
    path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
    env = dict(PATH=path, GPUS='1', PORT=free_port)
    options = [
        'train_cfg.max_epochs=1', 'mcmi.control=False',
        f'mcmi.teacher_dir={quickstart.teachers}',
    ]  # fmt: skip
    command(
        'slurm_train.sh', 'queue', 'job', config, 'run', '--cfg-options', *options,
        env=env,
    )  # fmt: skip
    assert '-p queue --job-name=job' in (tmp_path / 'srun_arguments').read_text()
    done = command('slurm_test.sh', 'queue', 'job', config, 'run/epoch_1.pth', env=env)
    assert 'accuracy/top1' in done.stdout
