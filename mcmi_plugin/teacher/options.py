"""What can be said about the teacher stage: the keys of ``mcmi`` in a config."""

from dataclasses import dataclass, replace

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.closest import did_you_mean
from mcmi_plugin.faults.numbers import is_finite, is_whole
from mcmi_plugin.losses import cmi_arguments

FORMS = (*cmi_arguments.FORMS, 'none')
DEFAULT_EPS = 0.02


@dataclass(frozen=True)
class TeacherOptions:
    """How an MCMI teacher is made; the defaults are the paper's for ImageNet.

    Args:
        lmda: lambda of eq. 14, the weight of the CMI; 0 is the control, the same
            fine-tune by maximum log-likelihood alone. For ``form='fixed'`` and
            ``'ema'``, which need it.
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
        form: ``'fixed'``: the centroids stay, as in the paper; ``'ema'``: they
            follow the model; ``'budget'``: they follow, and lambda is set in every
            step so that the cross-entropy rises by at most about ``eps``;
            ``'none'``: no fine-tune, the teacher as trained by maximum
            log-likelihood is handed over.
        eps: of ``form='budget'``, in nats; 0.02 by default.
        reward: what lambda rewards: ``'cmi'``; ``'wrong_class'``, the CMI among the
            wrong classes; or a control: ``'negative_entropy'``, ``'entropy'``,
            ``'label_smoothing'``.
        early_stopping: of the epochs in ``mll_epochs`` keep the one with the highest
            LL on ``val_dataloader``, not the last.
        temperature: the finished teacher's logits are divided by it, in the weights
            of its last linear layer; ``'validation'``: by the one with the highest
            LL on ``val_dataloader``.
        dataset: data set that the teacher is trained on, where it is not the
            student's ``train_dataloader.dataset``.

    Raises:
        UserError: a value out of its range; the line names the key.
    """

    lmda: float | None = None
    epochs: int = 10
    lr_factor: float = 0.2
    teacher_config: str | None = None
    centroid_mode: str = 'eval'
    mll_epochs: int | None = None
    on_cliff: str = 'warn'
    control: bool = False
    teacher_dir: str | None = None
    seed: int = 0
    form: str = 'fixed'
    eps: float | None = None
    reward: str = 'cmi'
    early_stopping: bool = False
    temperature: float | str | None = None
    dataset: dict | None = None

    def __post_init__(self) -> None:
        _one_of('form', self.form, FORMS)
        _one_of('reward', self.reward, cmi_arguments.REWARDS)
        self._check_dial()
        if self.reward != 'cmi' and self.form != 'fixed':
            raise UserError(
                f'mcmi.reward={self.reward}: goes with mcmi.form=fixed only; leave '
                'mcmi.form out'
            )
        _number(
            'lr_factor', self.lr_factor, lambda v: v > 0, 'above 0, for example 0.2'
        )
        _whole('epochs', self.epochs, 1)
        _whole('seed', self.seed, 0)
        if self.mll_epochs is not None:
            _whole('mll_epochs', self.mll_epochs, 1)
        for key in ('control', 'early_stopping'):
            _one_of(key, getattr(self, key), (True, False))
        _one_of('centroid_mode', self.centroid_mode, ('eval', 'train'))
        if self.reward == 'wrong_class' and self.centroid_mode == 'train':
            raise UserError(
                'mcmi.centroid_mode=train: mcmi.reward=wrong_class takes its centroids '
                'in eval mode; leave mcmi.centroid_mode out'
            )
        _one_of('on_cliff', self.on_cliff, ('warn', 'stop'))
        if self.early_stopping and self.mll_epochs is None:
            raise UserError(
                'mcmi.early_stopping=True: chooses among the mcmi.mll_epochs epochs; '
                'set that too, or leave it out'
            )
        if self.temperature not in (None, 'validation'):
            _number(
                'temperature',
                self.temperature,
                lambda v: v > 0,
                "above 0, for example 2, or 'validation'",
            )
        if self.dataset is not None and 'type' not in self.dataset:
            raise UserError('mcmi.dataset: give a data set, dict(type=..., ...)')

    def _check_dial(self) -> None:
        """One dial to a form: lambda, or eps, or none."""
        if self.form in ('budget', 'none') and self.lmda is not None:
            does = (
                'sets lambda itself' if self.form == 'budget' else 'does no fine-tune'
            )
            raise UserError(
                f'mcmi.lmda={self.lmda!r}: mcmi.form={self.form} {does}; leave '
                'mcmi.lmda out'
            )
        if self.form == 'budget':
            if self.eps is None:
                object.__setattr__(self, 'eps', DEFAULT_EPS)  # frozen
            _number('eps', self.eps, lambda v: v > 0, 'above 0, in nats, e.g. 0.02')
        elif self.eps is not None:
            raise UserError(
                f'mcmi.eps={self.eps!r}: is for mcmi.form=budget, not {self.form}; set '
                'that, or leave mcmi.eps out'
            )
        if self.form in ('fixed', 'ema'):
            if self.lmda is None:
                raise UserError(
                    'mcmi.lmda is not set; give lambda of eq. 14, for example 0.1, or '
                    'set mcmi.form=budget, which needs none'
                )
            _number('lmda', self.lmda, lambda v: v >= 0, '0 or more, for example 0.1')
            if self.reward == 'label_smoothing' and self.lmda >= 1:
                raise UserError(
                    f'mcmi.lmda={self.lmda!r}: as label smoothing it must be below 1'
                )

    def of_control(self) -> 'TeacherOptions':
        """The same fine-tune with lambda = 0, whatever the form."""
        return replace(self, form='fixed', lmda=0.0, eps=None, reward='cmi')


def _number(key: str, value, accept, valid: str) -> None:
    if not is_finite(value) or not accept(value):
        raise UserError(f'mcmi.{key}={value!r}: must be a finite number, {valid}')


def _whole(key: str, value, least: int) -> None:
    if not is_whole(value, least):
        raise UserError(f'mcmi.{key}={value!r}: must be a whole number from {least} on')


def _one_of(key: str, value, valid: tuple) -> None:
    if value not in valid:
        names = [*map(str, valid)]
        hint = f'; {did_you_mean(str(value), names)}'.rstrip('; ')
        raise UserError(
            f'mcmi.{key}={value!r}: must be one of {", ".join(names)}{hint}'
        )
