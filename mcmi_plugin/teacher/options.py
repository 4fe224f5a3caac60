"""What can be said about the teacher stage: the keys of ``mcmi`` in a config."""

import math
from dataclasses import dataclass

from mcmi_plugin.errors import UserError


@dataclass(frozen=True)
class TeacherOptions:
    """How an MCMI teacher is made; the defaults are the paper's for ImageNet.

    Args:
        lmda: lambda of eq. 14, the weight of the CMI; 0 is the control, the same
            fine-tune by maximum log-likelihood alone.
        epochs: epochs of the fine-tune (A.8.1: 10 on ImageNet, 20 on CIFAR).
        lr_factor: the fine-tune starts at this fraction of the teacher's own
            initial rate (A.8.1: one fifth; the authors' released code: 0.5).
        teacher_config: the config that the teacher was trained by, whose
            optimizer the fine-tune takes over; by default ``cfg_path`` of
            ``model.teacher``, or else the distillation config itself.
        centroid_mode: ``'eval'``: the centroids of eq. 13 are taken in eval mode
            without augmentation; ``'train'``: in train mode on augmented images,
            as in the authors' release, which also moves batch norm's statistics.
        mll_epochs: train the teacher itself by maximum log-likelihood first, for
            so many epochs, instead of starting from ``model.teacher_ckpt``.
        on_cliff: ``'warn'``, or ``'stop'``: end the fine-tune when it falls off
            the cliff in lambda and keep the last good epoch's teacher.
        control: make the same fine-tune with lambda = 0 as well, for the table at
            the end; the student does not see it.
        teacher_dir: folder that finished teachers are kept in and found again;
            by default ``mcmi_teachers`` beside the work dir.
        seed: seed of the teacher stage, of its own, so that students with
            different seeds share one teacher.

    Raises:
        UserError: a value out of its range; the line names the key.
    """

    lmda: float
    epochs: int = 10
    lr_factor: float = 0.2
    teacher_config: str | None = None
    centroid_mode: str = 'eval'
    mll_epochs: int | None = None
    on_cliff: str = 'warn'
    control: bool = False
    teacher_dir: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _number('lmda', self.lmda, lambda v: v >= 0, '0 or more, for example 0.1')
        _number(
            'lr_factor', self.lr_factor, lambda v: v > 0, 'above 0, for example 0.2'
        )
        _whole('epochs', self.epochs, 1)
        _whole('seed', self.seed, 0)
        if self.mll_epochs is not None:
            _whole('mll_epochs', self.mll_epochs, 1)
        _one_of('control', self.control, (True, False))
        _one_of('centroid_mode', self.centroid_mode, ('eval', 'train'))
        _one_of('on_cliff', self.on_cliff, ('warn', 'stop'))


def _number(key: str, value, accept, valid: str) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not accept(value):
        raise UserError(f'mcmi.{key}={value!r}: must be a finite number, {valid}')


def _whole(key: str, value, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f'mcmi.{key}={value!r}: must be a whole number from {least} on')


def _one_of(key: str, value, valid: tuple) -> None:
    if value not in valid:
        raise UserError(
            f'mcmi.{key}={value!r}: must be one of {", ".join(map(str, valid))}'
        )
