"""The last whole checkpoint of a work dir, wherever that has been moved to."""

import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import cast

from mcmi_plugin.log import log_line, log_warning

_NUMBERED = re.compile(r'(epoch|iter)_(\d+)\.pth')
LAST_CHECKPOINT = 'last_checkpoint'  # mmengine's: the path of what was saved last


def is_whole(path: str | os.PathLike) -> bool:
    """Whether a checkpoint file is complete and undamaged, by its checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def find_whole_checkpoint(work_dir: str | os.PathLike) -> Path | None:
    """The newest checkpoint of a work dir that is whole; None: there is none.

    It is the one that ``last_checkpoint`` names, or else the next one before it;
    every file passed over is named in a warning.
    """

    for checkpoint in saved_checkpoints(work_dir):
        if is_whole(checkpoint):
            return checkpoint
        wrong = 'damaged or cut short' if checkpoint.exists() else 'not there'
        log_warning(
            f'{checkpoint} is {wrong}; it is passed over for the checkpoint before it'
        )
    return None


def find_checkpoint_to_resume(work_dir: str) -> str | None:
    """:func:`find_whole_checkpoint` for mmengine; the log says where there is none."""
    found = find_whole_checkpoint(work_dir)
    if found is not None:
        return str(found)
    if Path(work_dir, LAST_CHECKPOINT).is_file():
        log_warning(f'no whole checkpoint in {work_dir}: training starts anew')
    else:
        log_line(f'no {LAST_CHECKPOINT} in {work_dir}: nothing to resume')
    return None


def numbered(folder: str | os.PathLike) -> list[tuple[str, int, Path]]:
    """(``epoch`` or ``iter``, its number, file) of a folder's checkpoints, in order."""
    found = [(_NUMBERED.fullmatch(path.name), path) for path in Path(folder).iterdir()]
    saved = [(match[1], int(match[2]), path) for match, path in found if match]
    return sorted(saved, key=lambda one: one[1])


def saved_checkpoints(work_dir: str | os.PathLike) -> list[Path]:
    """What the run of a work dir has saved on its way, whole or not, newest first.

    The first is that of its record, which need not be there; without a record there
    is none.
    """
    record = Path(work_dir, LAST_CHECKPOINT)
    if not record.is_file():
        return []
    recorded = record.read_text().strip()  # or nothing, if it was torn
    named = [where_it_is_now(work_dir, recorded)] if recorded else []
    folder = named[0].parent if named else Path(work_dir)
    kind = re.match(r'epoch_|iter_', Path(recorded).name)
    pattern = f'{kind[0]}*.pth' if kind else '*_*.pth'
    before = [p for p in folder.glob(pattern) if re.fullmatch(r'\D+_\d+', p.stem)]
    if kind:  # later ones are another run's
        before = [p for p in before if _step(p) < _step(named[0])]
    return named + sorted(before, key=_step, reverse=True)


def where_it_is_now(work_dir: str | os.PathLike, recorded: str) -> Path:
    """A checkpoint whose path mmengine wrote down, before the work dir was moved.

    It lies in the work dir, or where ``CheckpointHook.out_dir`` says. A folder with
    a record of its own is neither: it is the work dir that this one is a copy of,
    and may have gone on by itself.
    """
    path = Path(recorded)
    is_out_dir = (
        path.parent != Path()  # where the command is run
        and not any(path.parent.glob(f'{LAST_CHECKPOINT}*'))
        and any(path.parent.glob('*.pth'))
    )
    return path if is_out_dir else Path(work_dir, path.name)


def _step(path: Path) -> int:
    return int(cast(re.Match, re.search(r'\d+', path.stem))[0])
