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


def refused(folder) -> None:
    with (
        pytest.raises(UserError, match='another training runs in .*--work-dir DIR'),
        alone_in(folder),
    ):
        pass


@pytest.fixture
def other(tmp_path):
    """Another process, training in the folder."""
    context = multiprocessing.get_context('fork')
    held, done = context.Event(), context.Event()
    process = context.Process(target=hold, args=(str(tmp_path), held, done))
    process.start()
    assert held.wait(60)
    yield process, done
    process.kill()


def test_a_second_training_is_refused_until_the_first_ends(other, tmp_path):
    process, done = other
    refused(str(tmp_path))
    done.set()
    process.join(60)
    with alone_in(str(tmp_path)):
        pass


def test_a_training_that_was_killed_holds_nothing(other, tmp_path):
    process, _ = other
    refused(str(tmp_path))
    process.kill()
    process.join(60)
    with alone_in(str(tmp_path)):
        pass


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def lockf(*args):
        raise OSError(38, os.strerror(38))

    monkeypatch.setattr(fcntl, 'lockf', lockf)
    with alone_in(str(tmp_path)):
        pass
