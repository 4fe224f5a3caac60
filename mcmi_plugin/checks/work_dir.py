"""A folder that can be written, and that nobody else is training in."""

import fcntl
import os
import os.path as osp
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from mcmi_plugin.errors import UserError
from mcmi_plugin.processes import on_main


def check_work_dir(work_dir: str) -> None:
    """The work dir can be written.

    Raises:
        UserError: it cannot; the line says why.
    """
    try:
        os.makedirs(work_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=work_dir):
            pass
    except OSError as error:
        raise UserError(
            f'work_dir: cannot write {osp.abspath(work_dir)} ({error.strerror}); name '
            'another folder: --work-dir DIR'
        ) from error


@contextmanager
def alone_in(work_dir: str) -> Iterator[None]:
    """Hold a work dir for the training of this job; all of its processes call it.

    Two trainings in one folder would take each other's checkpoints for their own.

    Raises:
        UserError: another training holds it.
    """
    held: list[IO] = []
    on_main(lambda: held.append(_lock(work_dir)))
    try:
        yield
    finally:
        for file in held:
            file.close()


def _lock(work_dir: str) -> IO:
    # POSIX's: gone with the process, though loading workers may outlive it for a while.
    file = open(osp.join(work_dir, '.lock'), 'a')  # noqa: SIM115  held by the caller
    with suppress(OSError):  # some file systems have no locks
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            file.close()
            raise UserError(
                f'another training runs in {work_dir}; wait for it, or name another '
                'folder: --work-dir DIR'
            ) from None
    return file
