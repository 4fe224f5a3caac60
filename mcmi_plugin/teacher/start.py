"""The teacher that a stage starts from."""

from typing import Any, NamedTuple

from mmengine.config import Config

from mcmi_plugin.weights.held import DISTILLED, OF_TEACHER, UNFINISHED
from mcmi_plugin.weights.loading import read_weights


class Start(NamedTuple):
    """A teacher as it was read, or as it is in a distiller already.

    Attributes:
        source: where it comes from: a file, or what the log calls it.
        weights: its state dict.
        meta: of its checkpoint.
    """

    source: str
    weights: dict
    meta: dict

    @property
    def made(self) -> dict:
        """``meta['mcmi']``: how this project made it, or nothing."""
        return self.meta.get('mcmi') or {}

    def provenance(self) -> dict:
        """What is kept of it in the provenance of the teacher that is made of it."""
        made = self.made
        kept = dict(source=self.source, history=made.get('history'))
        if made.get('stage') in (UNFINISHED, DISTILLED):
            kept['stage'] = made['stage']
        # Of the student that is a teacher now, and by early stopping.
        return kept | {k: made[k] for k in ('teacher', 'kept_epoch') if k in made}


def kept_teacher(path: str) -> Start:
    """A teacher of ``mcmi.teacher_dir``."""
    return Start(path, *read_weights(path, 'mcmi.teacher_dir'))


def given_teacher(cfg: Config) -> Start | None:
    """The teacher that a distillation config names."""
    source, key, prefix = base_source(cfg)
    return None if source is None else Start(source, *read_weights(source, key, prefix))


def base_source(cfg: Config) -> tuple[str | None, str, str]:
    """Where the teacher's weights come from: source, config key, key prefix."""
    if cfg.model.get('teacher_ckpt'):
        return cfg.model.teacher_ckpt, 'model.teacher_ckpt', ''
    init: Any = cfg.model.get('init_cfg') or []
    parts: list[Any] = [init] if isinstance(init, dict) else init
    for part in parts:
        if part.get('type') == 'Pretrained':  # of the whole distiller, as in ABLoss
            return part.checkpoint, 'model.init_cfg.checkpoint', OF_TEACHER
    return None, 'model.teacher_ckpt', ''
