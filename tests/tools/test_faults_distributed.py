"""Two processes: killed and resumed; and one that fails does not leave one waiting.

pytest -m slow tests/tools/test_faults_distributed.py
"""

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import PROJECT, run_tool
from jobs import CONFIG, MCMI, STUDENT, Job, assert_same

RANK_1_FAILS = """
_base_ = [{config!r}]
import os
train_dataloader = dict(dataset=dict())
if os.environ.get('RANK') == '1':
    {fault}
del os
"""
FAULTS = {
    # Where the student's data set is built.
    'its data': (
        "train_dataloader['dataset']['split'] = 'tset'",
        "error (rank 1): Digits: split='tset'",
    ),
    # In the teacher's first step, where the other process waits for its gradients.
    'the teacher stage': (
        "train_dataloader['dataset']['pipeline'] = [dict(type='Resize', scale=(0, 0))]",
        'error (rank 1): ',
    ),
}


@pytest.mark.parametrize('where', FAULTS)
def test_when_one_process_fails_the_job_ends(where, command, tmp_path, free_port):
    fault, said = FAULTS[where]
    config = tmp_path / 'rank_1_fails.py'
    config.write_text(RANK_1_FAILS.format(config=str(CONFIG), fault=fault))
    start = time.time()
    done = command('dist_train.sh', config, 2, ok=False, env={'PORT': free_port})
    assert done.returncode != 0
    assert said in done.stderr
    assert time.time() - start < 120  # imports included, on a busy machine
    assert not list(tmp_path.rglob('*.pth'))


def processes_of(job: Job) -> list[int]:
    """The ranks' process ids: children of torchrun, in the order of their ranks."""
    found = {}
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            words = (folder / 'cmdline').read_bytes()
            variables = (folder / 'environ').read_bytes().split(b'\0')
            session = os.getsid(int(folder.name))
        except (OSError, ProcessLookupError):
            continue
        ranks = [v for v in variables if v.startswith(b'RANK=')]
        if session == job.process.pid and b'train.py' in words and ranks:
            found[int(ranks[0].removeprefix(b'RANK='))] = int(folder.name)
    return [found[rank] for rank in sorted(found)]


@pytest.mark.slow
def test_killed_over_two_processes_it_ends_the_same(tmp_path, free_port):
    once, often = tmp_path / 'once', tmp_path / 'often'
    once.mkdir()
    often.mkdir()
    env = {'PORT': free_port}
    run_tool('dist_train.sh', CONFIG, 2, cwd=once, env=env)
    words = ['bash', PROJECT / 'tools/dist_train.sh', CONFIG, 2, '--resume']

    job = Job(often, *words, env=env)
    job.wait_for(f'{MCMI}/epoch_1.pth')
    os.kill(processes_of(job)[1], signal.SIGKILL)  # one rank alone
    assert job.end() != 0  # the other one does not wait for it
    for _ in range(2):  # twice in a row, the second time before it saves anything
        job = Job(often, *words, env=env)
        job.wait_for(f'{STUDENT}/epoch_1.pth')
        job.kill_all()
    job = Job(often, *words, env=env)
    assert job.end() == 0, job.text()[-3000:]
    assert_same(often, once)
