"""Killed in the teacher's fine-tune, then in the student's training, then resumed."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import PROJECT, QUICKSTART

from mcmi_plugin.weights.file import load_checkpoint_file


def kill_when(pattern, folder, *flags):
    """Start the quick start and kill it as soon as a file is there."""
    words = [sys.executable, PROJECT / 'tools/train.py', QUICKSTART, *flags]
    with open(folder / 'log.txt', 'a') as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)
    deadline = time.time() + 1800
    while not list(folder.glob(pattern)):
        assert process.poll() is None, (folder / 'log.txt').read_text()[-3000:]
        assert time.time() < deadline, f'{pattern} never appeared'
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow  # test_faults.py has one interrupted in every stage
def test_resume_continues_wherever_the_job_stopped(quickstart, command, tmp_path):
    teachers = 'work_dirs/mcmi_teachers'
    kill_when(f'{teachers}/*-mcmi-lmda0.25-*/epoch_4.pth', tmp_path)
    assert not list(tmp_path.glob(f'{teachers}/*-mcmi-*/teacher.pth'))
    kill_when('work_dirs/quickstart_digits/epoch_3.pth', tmp_path, '--resume')
    log = (tmp_path / 'log.txt').read_text()
    second_start = re.split('making the (?:MCMI teacher|lambda = 0 control)', log)
    assert 'epoch 1: CE' in second_start[1]
    assert 'epoch 1: CE' not in second_start[2]  # it went on from epoch 4
    assert 'epoch 10: CE' in second_start[2]

    done = command('train.py', QUICKSTART, '--resume')

    assert 'KL(P||Q0)' not in done.stdout
    kept = [
        (next(folder.glob('*-lmda0.25-*/teacher.pth')), last / 'epoch_20.pth')
        for folder, last in (
            (quickstart.teachers, quickstart.work_dir),
            (tmp_path / teachers, tmp_path / 'work_dirs/quickstart_digits'),
        )
    ]
    for uninterrupted, resumed in zip(*kept, strict=True):
        first = load_checkpoint_file(uninterrupted)['state_dict']
        second = load_checkpoint_file(resumed)['state_dict']
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_fresh_start_is_not_continued_from_an_earlier_run(quickstart, command):
    options = [
        '--cfg-options', 'train_cfg.max_epochs=1', 'mcmi.control=False',
        f'mcmi.teacher_dir={quickstart.teachers}',
    ]  # fmt: skip
    folder = command('train.py', QUICKSTART, *options).cwd / 'work_dirs'
    work_dir = folder / 'quickstart_digits'
    earlier = (work_dir / 'epoch_1.pth').read_bytes()
    never = ['default_hooks.checkpoint.interval=9', 'train_cfg.val_interval=9']
    # As if it were killed before its first checkpoint.
    done = command(
        'train.py', QUICKSTART, *options, *never,
        'default_hooks.checkpoint.save_last=False',
    )  # fmt: skip
    assert 'holds an earlier run' in done.stderr + done.stdout
    assert (work_dir / 'epoch_1.pth').read_bytes() == earlier
    (aside,) = work_dir.glob('last_checkpoint.*')
    assert aside.read_text().endswith('epoch_1.pth')

    done = command('train.py', QUICKSTART, '--resume', *options)

    assert 'Epoch(train) [1][32/32]' in done.stdout  # it began anew
    assert (work_dir / 'epoch_1.pth').read_bytes() != earlier
