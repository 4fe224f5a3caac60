"""Killed, interrupted, out of disk: the job then finishes as if nothing had happened.

The slow test kills it twenty times:  pytest -m slow tests/tools/test_faults.py
"""

import argparse
import contextlib
import errno
import os
import random
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT, run_tool
from jobs import CONFIG, MCMI, MLL, STUDENT, Job, assert_same

from mcmi_plugin.commands import run
from mcmi_plugin.faults.files import file_at_fault
from mcmi_plugin.interruption import Interruption


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp('uninterrupted')
    run_tool('train.py', CONFIG, cwd=folder)
    return folder


def test_interrupted_killed_and_torn_it_ends_the_same(uninterrupted, tmp_path):
    job = Job(tmp_path)
    job.wait_for(f'{MCMI}/epoch_1.pth')
    assert job.end(signal.SIGTERM) == 128 + signal.SIGTERM
    *_, line = job.text().splitlines()
    said, command = line.split('continue with: ')
    assert said.startswith('interrupted by SIGTERM')
    assert 'after the last checkpoint is lost' in said
    words = shlex.split(command)
    assert words == [sys.executable, str(PROJECT / 'tools/train.py'), str(CONFIG)] + [
        '--resume'
    ]
    assert 'Traceback' not in job.text()
    assert not list(tmp_path.rglob('*.tmp'))

    job = Job(tmp_path, *words)
    job.wait_for(f'{STUDENT}/epoch_2.pth')
    record = tmp_path / STUDENT / 'last_checkpoint'
    while record.read_text().endswith('epoch_1.pth'):  # written after the checkpoint
        time.sleep(0.01)
    job.end(signal.SIGKILL)
    torn = Path(record.read_text())
    torn.write_bytes(torn.read_bytes()[:-5000])
    leftover = tmp_path / STUDENT / 'epoch_3.pth.4711.tmp'
    leftover.write_bytes(b'half')

    job = Job(tmp_path, *words)
    assert job.end() == 0, job.text()[-3000:]
    assert f'{torn.name} is damaged or cut short' in job.text()
    assert 'making the' not in job.text()  # both teachers were kept
    assert_same(tmp_path, uninterrupted)


def test_a_full_disk_is_one_line_and_leaves_the_last_checkpoint(tmp_path):
    job = Job(tmp_path)
    saved = job.wait_for(f'{MLL}/epoch_1.pth')
    whole = saved.read_bytes()
    limit = len(whole) // 2  # the kernel's own limit, more than the logs need
    resource.prlimit(job.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    assert job.end() == 2
    *_, line = job.text().splitlines()
    assert line.startswith('error: epoch_')
    assert f'cannot be written into {saved.parent}' in line
    assert os.strerror(errno.EFBIG) in line
    assert 'Traceback' not in job.text()
    assert saved.read_bytes() == whole
    assert not list(tmp_path.rglob('*.tmp'))


@pytest.fixture
def _put_handlers_back():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)
    kept = {number: signal.getsignal(number) for number in numbers}
    hook = sys.unraisablehook
    yield
    sys.unraisablehook = hook
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures('_put_handlers_back')
@pytest.mark.parametrize(
    ('flags', 'saved', 'added'),
    [
        ([], False, ['--resume']),
        (['--resume'], False, []),
        (['--resume', 'FILE'], False, []),  # nothing newer to go on from
        (['--resume', 'FILE'], True, ['--resume']),
    ],
)
def test_the_command_that_continues(flags, saved, added, tmp_path, monkeypatch, capsys):
    given = ['python', 'tools/train.py', 'a config.py', *flags]
    monkeypatch.setattr(sys, 'orig_argv', given)
    monkeypatch.setattr(sys, 'argv', given[1:])
    parse = argparse.ArgumentParser()
    parse.add_argument('config')
    parse.add_argument('--resume', nargs='?', const='auto')
    parse.set_defaults(work_dir=str(tmp_path), debug=False)
    (tmp_path / 'last_checkpoint').touch()
    os.utime(tmp_path / 'last_checkpoint', (0, 0))

    def main(args):
        if saved:
            (tmp_path / 'last_checkpoint').write_text('epoch_2.pth')
            future = time.time() + 1  # file systems tell time in coarse steps
            os.utime(tmp_path / 'last_checkpoint', (future, future))
        with contextlib.suppress(Exception):  # as a data pipeline may
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(SystemExit) as left:
        run(main, parse)
    assert left.value.code == 130
    (line,) = capsys.readouterr().err.splitlines()
    command = line.split('continue with: ')[1]
    assert shlex.split(command) == given + added


@pytest.mark.parametrize(
    'started',
    [
        ['python', '-u', 'tools/train.py', 'a.py'],
        ['python', '-u', '-m', 'mcmi_plugin', 'train', 'a.py'],
        ['python', '-u', '/env/bin/mcmi-plugin', 'train', 'a.py'],
    ],
)
def test_the_command_that_continues_several_processes(started, monkeypatch):
    monkeypatch.setattr(sys, 'orig_argv', started)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    monkeypatch.delenv('GROUP_WORLD_SIZE', raising=False)
    args = argparse.Namespace(resume=None, launcher='pytorch')
    line = Interruption._continuing(None, args)
    assert shlex.split(line) == [
        'torchrun', '--nproc-per-node=2', *started[2:], '--resume'
    ]  # fmt: skip


def test_the_command_that_continues_several_machines(monkeypatch):
    monkeypatch.setattr(sys, 'orig_argv', ['python', '-u', 'tools/train.py', 'a.py'])
    told = dict(
        LOCAL_WORLD_SIZE='8', GROUP_WORLD_SIZE='2', GROUP_RANK='0',
        MASTER_ADDR='10.0.0.1', MASTER_PORT='29501',
    )  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    args = argparse.Namespace(resume=None, launcher='pytorch')
    assert shlex.split(Interruption._continuing(None, args)) == [
        'torchrun', '--nproc-per-node=8', '--nnodes=2', '--node-rank=0',
        '--master-addr=10.0.0.1', '--master-port=29501',
        'tools/train.py', 'a.py', '--resume',
    ]  # fmt: skip


def test_a_job_of_slurm_is_submitted_again():
    train = argparse.Namespace(resume=None, launcher='slurm')
    test = argparse.Namespace(launcher='slurm')
    words = 'the same job, submitted again'
    assert Interruption._continuing(None, train) == f'{words} with --resume'
    assert Interruption._continuing(None, test) == words


class Dropped:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures('_put_handlers_back')
def test_a_signal_while_python_drops_errors_is_not_lost(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['train.py'])
    parse = argparse.ArgumentParser()
    parse.set_defaults(debug=False)

    def main(args):
        Dropped()
        for _ in range(500):
            time.sleep(0.01)

    with pytest.raises(SystemExit) as left:
        run(main, parse)
    assert left.value.code == 143
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures('_put_handlers_back')
@pytest.mark.parametrize(
    ('number', 'file', 'said'),
    [
        (errno.ENOSPC, 'scalars.json', 'scalars.json: No space left on device'),
        (
            errno.ENOSPC,
            None,
            'the disk is full (No space left on device): make room, then continue '
            'with --resume',
        ),
        (
            errno.EROFS,
            'run/a.log',
            'run/a.log: Read-only file system; name another folder',
        ),
        (
            errno.EIO,
            'run/a.log',
            'run/a.log: Input/output error; name another folder',
        ),
    ],
)
def test_a_disk_at_fault_elsewhere_is_one_line_too(
    number, file, said, monkeypatch, capsys
):
    monkeypatch.setattr(sys, 'argv', ['train.py'])

    def main(args):
        raise OSError(number, os.strerror(number), *[file] * bool(file))

    parse = argparse.ArgumentParser()
    parse.set_defaults(debug=False, resume=None)
    with pytest.raises(SystemExit) as left:
        run(main, parse)
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f'error: {said}'


@pytest.mark.slow
def test_twenty_kills_over_all_stages(uninterrupted, tmp_path):
    chance = random.Random(0)
    kills, finished = 0, 0
    while kills < 20:
        folder = tmp_path / str(finished)
        folder.mkdir(exist_ok=True)
        words = [sys.executable, PROJECT / 'tools/train.py', CONFIG, '--resume']
        job = Job(folder, *words)
        while job.process.poll() is None and 'mmengine' not in job.text():
            time.sleep(0.01)  # until it is imported
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.process.wait(chance.uniform(0, 5))
        if job.process.poll() is None:
            job.end(signal.SIGKILL)
            kills += 1
            continue
        assert job.end() == 0, job.text()[-3000:]
        assert_same(folder, uninterrupted)
        finished += 1
    folder = tmp_path / str(finished)
    job = Job(folder, *words)
    assert job.end() == 0, job.text()[-3000:]
    assert_same(folder, uninterrupted)


@pytest.mark.slow
def test_killed_with_data_in_memory_it_ends_the_same(tmp_path):
    once, often = tmp_path / 'once', tmp_path / 'often'
    once.mkdir()
    often.mkdir()
    resident = ['runner_type=ResidentRunner', 'train_dataloader.type=ResidentLoader']
    flags = [CONFIG, '--cfg-options', *resident]
    run_tool('train.py', *flags, cwd=once)
    words = [sys.executable, PROJECT / 'tools/train.py', *flags, '--resume']
    for stage in (MLL, MCMI, STUDENT):
        job = Job(often, *words)
        job.wait_for(f'{stage}/last_checkpoint')
        job.end(signal.SIGKILL)
        job = Job(often, *words)  # and again before it saves anything
        job.wait_to_read('resumed epoch')
        job.end(signal.SIGKILL)
    job = Job(often, *words)
    assert job.end() == 0, job.text()[-3000:]
    assert_same(often, once)


@pytest.mark.parametrize(
    'words',
    [
        # of torch 2.14, out of a worker; and where the kernel ends it
        'Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback: '
        'unable to allocate shared memory(shm) for file </torch_1_2>: No space (28)',
        'DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that '
        "dataloader's workers are out of shared memory.",
    ],
)
def test_shared_memory_that_is_full(words):
    said = str(file_at_fault(RuntimeError(words)))
    assert '/dev/shm' in said and '--shm-size' in said
    assert 'train_dataloader.num_workers=0' in said and '\n' not in said
