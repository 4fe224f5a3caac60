"""One training at a time in a work dir."""

import fcntl
import multiprocessing
import os

import pytest

from mcmi_plugin.checks.work_dir import alone_in
from mcmi_plugin.errors import UserError


def hold(folder, held, done):
    with alone_in(folder):
        held.set()
        done.wait(60)


def fault(folder) -> str:
    """What a training that begins in the folder now is told; nothing if it may."""
    try:
        with alone_in(str(folder)):
            return ''
    except UserError as error:
        return str(error)


@pytest.mark.parametrize('end', ['as it should', 'killed'])
def test_a_second_training_is_refused_until_the_first_ends(end, tmp_path):
    context = multiprocessing.get_context('fork')
    held, done = context.Event(), context.Event()
    process = context.Process(target=hold, args=(str(tmp_path), held, done))
    process.start()
    try:
        assert held.wait(60)
        said = fault(tmp_path)
        assert f'another training runs in {tmp_path}' in said
        assert '--work-dir DIR' in said and '\n' not in said
        done.set() if end == 'as it should' else process.kill()
        process.join(60)
        assert fault(tmp_path) == ''
    finally:
        process.kill()


def test_a_file_system_without_locks_refuses_nobody(tmp_path, monkeypatch):
    def lockf(*args):
        raise OSError(38, os.strerror(38))

    monkeypatch.setattr(fcntl, 'lockf', lockf)
    assert fault(tmp_path) == ''
