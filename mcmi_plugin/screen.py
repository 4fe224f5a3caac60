"""A screen that goes away takes no command with it."""

import errno
import io
import os
import sys
from typing import Any

_GONE = (errno.EPIPE, errno.EIO)  # a pipe's reader; a terminal


def outlast_the_screen() -> None:
    """Let a command end as if somebody still looked when nobody does.

    A terminal that was closed behind a training (``disown``, a lost connection) and a
    reader that has seen enough (``| head``) would end it at its next line. From then
    on nothing is shown. Where there was no screen from the start, as with ``>&-``,
    nothing is shown at all.
    """
    for number, name in ((1, 'stdout'), (2, 'stderr')):
        stream = getattr(sys, name)
        if stream is None:
            _show_nothing(number)
            setattr(sys, name, open(number, 'w', closefd=False))  # noqa: SIM115
        elif stream is getattr(sys, f'__{name}__') and _number_of(stream) == number:
            stream.flush()
            setattr(sys, name, _lasting(stream, number))


class _Lasting(io.FileIO):
    """Takes what is written also when there is nowhere to write it any more."""

    def write(self, data: Any) -> Any:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            _show_nothing(self.fileno())
            return memoryview(data).nbytes


def _lasting(stream: Any, number: int) -> io.TextIOWrapper:
    raw: Any = _Lasting(number, 'w', closefd=False)
    return io.TextIOWrapper(
        raw if stream.write_through else io.BufferedWriter(raw),  # as by python -u
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _number_of(stream: Any) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):  # of a test, of a notebook
        return None


def _show_nothing(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
