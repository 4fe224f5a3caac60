"""A folder that can be written, before there is something to write."""

import os
import os.path as osp
import tempfile

from mcmi_plugin.errors import UserError


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
