"""The trainings that have left their records in a work dir, in their order.

mmengine names a folder by the local time, which goes back in autumn, from one zone to
another, and where a clock was wrong. So each training notes when it began.
"""

import contextlib
import time
from pathlib import Path

from mmengine.runner import Runner

_NOTE = 'began'  # beside the records: nanoseconds since 1970, and after all others


def note_begin(runner: Runner) -> None:
    """A training begins: the last one of its work dir by now."""
    folder = Path(runner.log_dir, 'vis_data')
    others = [_began(path) for path in Path(runner.work_dir).glob(f'*/*/{_NOTE}')]
    folder.mkdir(parents=True, exist_ok=True)
    began = max([time.time_ns(), *(other + 1 for other in others)])
    (folder / _NOTE).write_text(str(began))


def files_in_order(work_dir: Path, name: str) -> list[Path]:
    """The files ``*/vis_data/NAME`` of a work dir, the last training's at the end."""
    found = work_dir.glob(f'*/vis_data/{name}')
    return sorted(found, key=lambda path: (_began(path.with_name(_NOTE)), path))


def _began(note: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(note.read_text())
    with contextlib.suppress(
        ValueError, OverflowError
    ):  # of a run without our commands
        stamp = note.parent.parent.name
        return int(time.mktime(time.strptime(stamp, '%Y%m%d_%H%M%S'))) * 10**9
    return 0
