"""Files that are written whole or not at all."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mcmi_plugin.errors import UserError

_TEMPORARY = re.compile(r'.+\.\d+\.tmp')


class NotWritten(UserError):
    """A file could not be written; how to go on, the command knows."""


@contextlib.contextmanager
def whole_file(path: str | os.PathLike, mode: str = 'wb') -> Iterator[IO]:
    """Open ``path`` for writing; it appears when all of it is on the disk.

    The file is a temporary one in the same folder until then, so that a process
    killed at any moment leaves what was there before. A leftover is removed by
    :func:`remove_leftovers`.

    Raises:
        NotWritten: it cannot be written, for example because the disk is full; the
            temporary file is removed.
    """
    path = Path(path)
    temporary = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise NotWritten(
            f'{path.name} cannot be written into {path.parent.absolute()} '
            f'({error.strerror}); what was there before is whole: make room, or '
            'write elsewhere'
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # The rename itself is on the disk only when its folder is.
    with contextlib.suppress(OSError):  # some file systems cannot
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Remove the temporary files of a process that was killed while writing."""
    for path in Path(folder).glob('*.tmp'):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)
