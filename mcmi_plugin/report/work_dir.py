"""A training as its work dir tells it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from mcmi_plugin.config_file import read_config, recorded_config
from mcmi_plugin.errors import UserError
from mcmi_plugin.last_checkpoint import find_whole_checkpoint
from mcmi_plugin.report.record import read_record
from mcmi_plugin.report.scalars import Scalars, read_scalars
from mcmi_plugin.weights.file import load_checkpoint_file
from mcmi_plugin.weights.held import (
    CONTROL_META,
    TEACHER_FILE_KEY,
    provenance_of_teacher,
)


@dataclass(frozen=True)
class Run:
    """What a work dir holds.

    Attributes:
        name: of the folder, with as much of its path as tells it from the others.
        config, config_text: of its newest training, as it was dumped.
        record: of ``report.json``; {} where the training has not come to its end.
        teacher: ``file``, ``mcmi`` (the ``meta['mcmi']`` of that checkpoint) and
            ``control`` (the same of the lambda = 0 control, or None); {} where there
            is no MCMI teacher or it is not recorded.
    """

    name: str
    folder: Path
    config: Config
    config_text: str
    scalars: Scalars
    record: dict
    teacher: dict

    @property
    def accuracy(self) -> float | None:
        """The student's, of the last validation, in per cent."""
        validated = self.scalars.validated()
        return validated[-1][1] if validated else None

    @property
    def unit(self) -> str:
        """What its length is counted in."""
        return 'epoch' if self.scalars.by_epoch else 'iteration'

    @property
    def epochs(self) -> tuple[int, int | None]:
        """Epochs (or iterations) done, and those that the config asks for."""
        wanted = self.config.train_cfg.get('max_epochs')
        last = self.scalars.train[-1] if self.scalars.train else {}
        begun = last.get('step' if wanted is None else 'epoch', 0)
        if wanted is None:
            wanted = self.config.train_cfg.get('max_iters')
        elif begun and self.config.get('val_cfg') is not None and not self.record:
            begun -= 1  # it is logged as it goes on, and validated at its end
        done = max(begun, *(r['step'] for r in self.scalars.val), 0)
        return done, wanted

    @property
    def is_finished(self) -> bool:
        done, wanted = self.epochs
        return bool(self.record) or (wanted is not None and done >= wanted)

    @property
    def whole_time(self) -> float | None:
        """Seconds from start to end, with validations and the making of the teacher."""
        return self.record.get('seconds')

    @property
    def seed(self) -> int | None:
        return (self.config.get('randomness') or {}).get('seed')


def read_runs(folders: Sequence[str | os.PathLike]) -> list[Run]:
    """Read work dirs; a folder that is given twice is read once.

    Raises:
        UserError: a folder is no work dir of a training.
    """
    paths = list(dict.fromkeys(Path(folder).resolve() for folder in folders))
    return [_read(path, name) for path, name in zip(paths, _names(paths), strict=True)]


def _read(folder: Path, name: str) -> Run:
    if not folder.is_dir():
        raise UserError(f'{folder}: there is no such folder; name a work dir')
    dump = recorded_config(folder)
    if dump is None:
        raise UserError(
            f'{folder}: no work dir of a training, there is no '
            '*/vis_data/config.py in it; name the folder that --work-dir named'
        )
    config = read_config(dump, import_custom_modules=False)
    record = read_record(folder, dump.parent.parent.name)
    teacher = record.get('teacher') if record else _recorded_teacher(folder)
    scalars = read_scalars(folder)
    return Run(name, folder, config, dump.read_text(), scalars, record, teacher or {})


def last_checkpoint(folder: Path) -> Path:
    """The newest whole checkpoint in a work dir.

    Raises:
        UserError: there is none.
    """
    found = find_whole_checkpoint(folder)
    if found is None:
        raise UserError(f'there is no checkpoint in {folder}')
    return found


def _recorded_teacher(folder: Path) -> dict | None:
    """The teacher of a training that has not ended, by its last checkpoint."""
    try:
        checkpoint = load_checkpoint_file(last_checkpoint(folder))
        mcmi = provenance_of_teacher(checkpoint)
    except UserError:  # no checkpoint yet
        return None
    hub = checkpoint.get('message_hub') or {}
    control = (checkpoint.get('meta') or {}).get(CONTROL_META)
    file = (hub.get('runtime_info') or {}).get(TEACHER_FILE_KEY)
    return dict(file=file, mcmi=mcmi, control=control) if mcmi else None


def _names(paths: Sequence[Path]) -> list[str]:
    """Each by its last part, or by as many as tell them all apart."""
    for parts in range(1, max((len(p.parts) for p in paths), default=0) + 1):
        names = ['/'.join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names
