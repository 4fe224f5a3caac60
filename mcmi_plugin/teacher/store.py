"""Where finished teachers lie, so that students of one recipe share one teacher.

A teacher is filed under the hash of its recipe: what it was made from and how.
How it was computed (workers, log interval) and where the data lie is no part of that.
"""

import os
import os.path as osp
from contextlib import contextmanager, suppress

import numpy as np
from filelock import FileLock, Timeout
from mmengine.dist import is_main_process
from torch import Tensor

from mcmi_plugin.errors import UserError
from mcmi_plugin.log import log_line
from mcmi_plugin.processes import on_main
from mcmi_plugin.provenance import fingerprint
from mcmi_plugin.weights.file import load_checkpoint_file, write_checkpoint_file

TEACHER_FILE = 'teacher.pth'


def folder(root: str, name: str, recipe: dict) -> str:
    """``root/NAME-<12 digits of the recipe's hash>``."""
    return osp.join(root, f'{name}-{fingerprint(recipe)[:12]}')


def find(directory: str, recipe: dict) -> str | None:
    """The finished teacher of this recipe in ``directory``, if there is one.

    Raises:
        UserError: a file is there but is not that teacher, or is damaged.
    """
    path = osp.join(directory, TEACHER_FILE)
    if not osp.isfile(path):
        return None
    meta = load_checkpoint_file(path).get('meta', {})
    if meta.get('mcmi', {}).get('fingerprint') != fingerprint(recipe):
        raise UserError(
            f'{path} was made by another recipe; remove it or set mcmi.teacher_dir '
            'to another folder'
        )
    return path


def publish(directory: str, state: dict, meta: dict) -> str:
    """Write a finished teacher: whole or not at all.

    The file is an ordinary mmpretrain checkpoint (``state_dict``, ``meta``) of
    tensors and plain Python values, so that ``weights_only=True`` reads it.
    """
    path = osp.join(directory, TEACHER_FILE)
    write_checkpoint_file(path, {'meta': _plain(meta), 'state_dict': state})
    return path


@contextmanager
def lock(directory: str):
    """Hold ``directory`` for this job; other jobs that want its teacher wait.

    The main process takes the lock and tells the others every few seconds, so
    that no collective call outlasts its time limit while a teacher is made.

    Raises:
        UserError: ``directory`` cannot be written.
    """
    held = FileLock(osp.join(directory, '.lock'))
    told = False
    while not on_main(_is_taken, held, 5 if told else 0):
        if not told:
            log_line(
                f'another job is making the teacher in {directory}; waiting for it '
                f'(if there is none, remove {held.lock_file})'
            )
            told = True
    try:
        yield
    finally:
        if is_main_process():
            held.release()


def _is_taken(held: FileLock, seconds: float) -> bool:
    directory = osp.dirname(held.lock_file)
    try:
        os.makedirs(directory, exist_ok=True)
        with suppress(Timeout):
            held.acquire(timeout=seconds)
    except OSError as error:
        raise UserError(
            f'mcmi.teacher_dir: cannot write {directory} ({error.strerror}); set it to '
            'a folder that can be written'
        ) from error
    return held.is_locked


def _plain(value):
    """Plain Python values only, which ``weights_only=True`` reads anywhere."""
    if isinstance(value, (np.generic, np.ndarray, Tensor)):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    plain = value is None or isinstance(value, (bool, int, float))
    return value if plain else str(value)
