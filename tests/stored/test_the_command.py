"""The command that fills a store, for real."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import run_tool
from small import job_file

from mcmi_plugin.stored.folder import MANIFEST, read_table

VIEWS = """
train_dataloader['dataset']['pipeline'] = [
    dict(type='RandomCrop', crop_size=8, padding=1),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
"""


@pytest.fixture
def config(tmp_path, project):
    return job_file(tmp_path, project, epochs=1, images=100, more='fast = True\n')


def test_a_whole_job(tmp_path, command, config):
    """The teacher is made, its store filled, and a student reads it."""
    done = command('store_teacher.py', config)
    assert 'logits of 100 images x 1 views' in done.stdout
    assert '100 of 100 rows' in done.stdout and 'were compared' in done.stdout
    assert 'CMI, nats' in done.stdout and 'under the training' in done.stdout
    assert done.stdout.splitlines()[-1].endswith('teacher.json')
    last = "stage 3 of 3: its teacher's outputs are stored; the teacher of this"
    assert last in done.stdout and 'the student (' not in done.stdout
    options = '--cfg-options', 'teacher_store=True'
    done = command('train.py', config, *options)
    assert 'teacher_store: 100 of 100 answers (100.0 %) were there' in done.stdout
    # Its student was no part of the job, and is not gone on with.
    done = command('store_teacher.py', config)
    assert '100 of 100 rows are there' in done.stdout
    assert 'resumed epoch' not in done.stdout and 'starts anew' not in done.stdout
    assert (tmp_path / 'work_dirs/mine/last_checkpoint').is_file()


def counted(tmp_path) -> tuple[int, int]:
    """Rows that are there, and those that are damaged, of the only store."""
    (manifest,) = tmp_path.glob(f'work_dirs/teacher_outputs/*/{MANIFEST}')
    table, _ = read_table(manifest.parent)
    return table.count(), table.damaged


@pytest.mark.slow
def test_several_processes_fill_one_store(tmp_path, config, project, free_port):
    config.write_text(config.read_text() + VIEWS)
    done = subprocess.run(
        [
            f'{os.path.dirname(sys.executable)}/torchrun', '--nproc-per-node=2',
            f'--master-port={free_port}', project / 'tools/store_teacher.py', config,
            '--launcher', 'pytorch',
        ],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert counted(tmp_path) == (1800, 0)
    # Each line once, by one of the two.
    assert done.stdout.count('of 1800 rows are there') == 1
    assert len(re.findall('stored: 1800 of 1800 rows', done.stdout)) == 1
    assert done.stdout.count('256 rows were compared with the teacher') == 1


@pytest.mark.slow
def test_two_jobs_fill_one_store_at_a_time(tmp_path, config, command):
    config.write_text(config.read_text() + VIEWS)
    options = '--cfg-options', 'teacher_store=True'
    command('train.py', config, *options)  # whose teacher both find
    assert 0 < counted(tmp_path)[0] < 1800

    def job(name):
        args = config, '--work-dir', f'work_dirs/{name}'
        return run_tool('store_teacher.py', *args, cwd=tmp_path).stdout

    with ThreadPoolExecutor() as pool:
        said = list(pool.map(job, ('one', 'two')))
    assert counted(tmp_path) == (1800, 0)
    assert all('256 rows were compared with the teacher' in text for text in said)
