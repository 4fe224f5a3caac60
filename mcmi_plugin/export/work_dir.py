"""Which config and which checkpoint of a work dir are meant."""

from pathlib import Path

from mcmi_plugin.config_file import recorded_config
from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.closest import did_you_mean
from mcmi_plugin.last_checkpoint import (
    find_whole_checkpoint,
    is_whole,
    numbered,
    saved_checkpoints,
)


def check_folder(folder: Path) -> None:
    """A work dir is there.

    Raises:
        UserError: it is not; the line names the closest folder beside it.
    """
    if folder.is_dir():
        return
    beside = [p.name for p in _entries(folder.parent) if p.is_dir()]
    meant = did_you_mean(folder.name, beside, str(folder.parent / '_')[:-1])
    raise UserError(f'there is no folder {folder}; {meant or "check the path"}')


def find_config(folder: Path) -> Path:
    """The config that mmengine has saved in a work dir: that of its last training.

    Of a run without a local record the newest: it is written anew whenever a run
    starts or is resumed.

    Raises:
        UserError: there is none.
    """
    if recorded := recorded_config(folder):
        return recorded
    configs = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if configs:
        return configs[-1]
    below = sorted(path.parent.name for path in folder.glob('*/*.py'))
    raise UserError(
        f'{folder} holds no config, so it is no work dir of a run; '
        + (f'name one below it: {", ".join(below[:3])}' if below else 'name another')
    )


def find_checkpoint(folder: Path, which: str = 'last') -> Path:
    """A checkpoint of a work dir.

    Args:
        folder: the work dir, or the folder of an MCMI teacher.
        which: ``'last'``, ``'best'`` (of ``default_hooks.checkpoint.save_best``),
            or the path or name of a file.

    Raises:
        UserError: there is none, there are several best ones, or it is damaged.
    """
    if which == 'last':
        path = _last(folder)
    elif which == 'best':
        path = _best(folder)
    else:
        path = Path(which) if Path(which).is_file() else folder / which
    if not path.is_file():
        raise UserError(f'--checkpoint {which}: no such file{_others(folder, path)}')
    if path.suffix == '.pth' and not is_whole(path):
        raise UserError(
            f'{path} is damaged or cut short; name another: --checkpoint FILE'
            f'{_others(folder, path)}'
        )
    return path


def _last(folder: Path) -> Path:
    if recorded := saved_checkpoints(folder):
        return find_whole_checkpoint(folder) or recorded[0]
    if saved := numbered(folder):
        return saved[-1][-1]
    if (folder / 'teacher.pth').is_file():  # of a teacher stage
        return folder / 'teacher.pth'
    raise UserError(
        f'{folder} holds no checkpoint; let the run save one, or name it: '
        '--checkpoint FILE'
    )


def _best(folder: Path) -> Path:
    best = sorted(folder.glob('best_*.pth'))
    if len(best) == 1:
        return best[0]
    if best:
        names = ', '.join(path.name for path in best)
        raise UserError(f'--checkpoint best: there are {names}; name one of them')
    raise UserError(
        f'--checkpoint best: {folder} holds no best_*.pth; a run keeps it with '
        '--cfg-options default_hooks.checkpoint.save_best=auto'
    )


def _others(folder: Path, path: Path) -> str:
    names = [p.name for p in folder.glob('*.pth') if p != path and is_whole(p)]
    return f'; there is {", ".join(sorted(names))}' if names else ''


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
