"""Two processes: killed and resumed; and one that fails does not leave one waiting.

pytest -m slow tests/tools/test_faults_distributed.py
"""

import contextlib
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


@pytest.mark.parametrize(
    'where', [pytest.param('its data', marks=pytest.mark.slow), 'the teacher stage']
)
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


def ranks(port: str) -> list[int]:
    """Process ids of a job's ranks: torchrun tells each its port and its rank."""
    found = {}
    for folder in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):  # it has ended, or is not ours
            words = (folder / 'environ').read_text().split('\0')
            variables = dict(word.split('=', 1) for word in words if '=' in word)
            if variables.get('MASTER_PORT') == port and 'RANK' in variables:
                found[int(variables['RANK'])] = int(folder.name)
    return [found[rank] for rank in sorted(found)]


def kill_all(job: Job, port: str) -> None:
    """SIGKILL to torchrun, which could no longer end its processes, and to them."""
    children = ranks(port)
    job.process.send_signal(signal.SIGKILL)
    for process in children:
        os.kill(process, signal.SIGKILL)
    job.end()


@pytest.mark.slow
def test_killed_over_two_processes_it_ends_the_same(tmp_path, free_port):
    once, often = tmp_path / 'once', tmp_path / 'often'
    once.mkdir()
    often.mkdir()
    env = {'PORT': free_port}
    run_tool('dist_train.sh', CONFIG, 2, cwd=once, env=env)
    words = [
        'torchrun', '--nproc-per-node=2', f'--master-port={free_port}',
        PROJECT / 'tools/train.py', CONFIG, '--launcher', 'pytorch', '--resume',
    ]  # fmt: skip

    job = Job(often, *words, env=env)
    job.wait_for(f'{MCMI}/last_checkpoint')
    os.kill(ranks(free_port)[1], signal.SIGKILL)  # one rank alone
    assert job.end() != 0  # the other one does not wait for it
    job = Job(often, *words, env=env)
    job.wait_for(f'{STUDENT}/last_checkpoint')
    kill_all(job, free_port)
    job = Job(often, *words, env=env)  # and again before it saves anything
    job.wait_to_read('resumed epoch')
    kill_all(job, free_port)
    job = Job(often, *words, env=env)
    assert job.end() == 0, job.text()[-3000:]
    assert_same(often, once)
