"""The file that is at fault."""

import errno
import re

from mcmi_plugin.errors import UserError
from mcmi_plugin.whole_file import NotWritten

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_DISK = (errno.EROFS, errno.EIO, errno.ESTALE)
_NO_ACCESS = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)
_NO_SHARED_MEMORY = re.compile(
    r'unable to (allocate|open|mmap) shared memory|out of shared memory|: Bus error'
)
_NO_PICTURE = re.compile(r'failed to load image: (.+)')  # mmcv's LoadImageFromFile


def file_at_fault(error: BaseException) -> UserError | None:
    """The error as one line that names the file; None if it is about no file."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        if error.filename:
            return UserError(f'{error.filename}: {error.strerror}')
        # From write() or flush(), as of a log, which name no file.
        return NotWritten(f'the disk is full ({error.strerror}): make room')
    if isinstance(error, OSError) and error.errno in _NO_DISK and error.filename:
        return UserError(f'{error.filename}: {error.strerror}; name another folder')
    if isinstance(error, _NO_ACCESS) and error.filename:
        return UserError(f'{error.filename}: {error.strerror}; check the path')
    if isinstance(error, RuntimeError) and _NO_SHARED_MEMORY.search(str(error)):
        return UserError(
            'the shared memory that loading workers hand batches over in (/dev/shm) is '
            'full: give a container more (docker run --shm-size=8g), or load without '
            'workers: --cfg-options train_dataloader.num_workers=0 '
            'val_dataloader.num_workers=0'
        )
    # A worker's error comes with its traceback as text, in which the line of source
    # that has these words stands before the words themselves.
    if isinstance(error, AssertionError) and (found := _NO_PICTURE.findall(str(error))):
        return UserError(
            f'{found[-1]}: cannot be read as a picture; replace it, or take it out of '
            'the data set'
        )
    return None
