"""What can be said about the teacher stage: the keys of ``mcmi`` in a config."""

from dataclasses import dataclass, replace

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.values import require_number, require_one_of, require_whole
from mcmi_plugin.losses.cmi_arguments import BUDGETED, FORMS, check_dial

TEACHER_FORMS = (*FORMS, 'none')
DEFAULT_EPS = 0.02
_OF_TRAINING = dict(
    early_stopping='chooses among',
    snapshots='averages',
    label_smoothing='goes with',
)


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
            ``'lower_bound'``: the same budget, for a lower bound of the CMI in
            place of the CMI, drawn anew in every epoch;
            ``'none'``: no fine-tune, the teacher as trained by maximum
            log-likelihood is handed over.
        eps: of ``form='budget'`` and ``'lower_bound'``, in nats; 0.02 by default.
        reward: what lambda rewards: ``'cmi'``; ``'wrong_class'``, the CMI among the
            wrong classes; or a control: ``'negative_entropy'``, ``'entropy'``,
            ``'label_smoothing'``.
        early_stopping: of the epochs in ``mll_epochs`` keep the one with the highest
            LL on ``val_dataloader``, not the last; ``'cmi'``: with the highest CMI.
        snapshots: the mean of the weights after the last so many of ``mll_epochs``, in
            place of the last alone.
        label_smoothing: of the training in ``mll_epochs``; 0.1 is usual.
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
    early_stopping: bool | str = False
    snapshots: int | None = None
    label_smoothing: float | None = None
    temperature: float | str | None = None
    dataset: dict | None = None

    def __post_init__(self) -> None:
        if self.form in BUDGETED and self.eps is None:
            object.__setattr__(self, 'eps', DEFAULT_EPS)  # frozen
        check_dial('mcmi', self.lmda, self.form, self.eps, self.reward, TEACHER_FORMS)
        require_number(
            'mcmi.lr_factor',
            self.lr_factor,
            lambda v: v > 0,
            'above 0, for example 0.2',
        )
        require_whole('mcmi.epochs', self.epochs, 1)
        require_whole('mcmi.seed', self.seed, 0)
        if self.mll_epochs is not None:
            require_whole('mcmi.mll_epochs', self.mll_epochs, 1)
        require_one_of('mcmi.control', self.control, (True, False))
        stopping = (True, False, 'cmi')
        require_one_of('mcmi.early_stopping', self.early_stopping, stopping)
        require_one_of('mcmi.centroid_mode', self.centroid_mode, ('eval', 'train'))
        if self.reward == 'wrong_class' and self.centroid_mode == 'train':
            raise UserError(
                'mcmi.centroid_mode=train: mcmi.reward=wrong_class takes its centroids '
                'in eval mode; leave mcmi.centroid_mode out'
            )
        require_one_of('mcmi.on_cliff', self.on_cliff, ('warn', 'stop'))
        self._check_training()
        if self.temperature not in (None, 'validation'):
            require_number(
                'mcmi.temperature',
                self.temperature,
                lambda v: v > 0,
                "above 0, for example 2, or 'validation'",
            )
        if self.dataset is not None and 'type' not in self.dataset:
            raise UserError('mcmi.dataset: give a data set, dict(type=..., ...)')

    def _check_training(self) -> None:
        """How a teacher is trained is of no use where none is."""
        if self.snapshots is not None:
            require_whole('mcmi.snapshots', self.snapshots, 2)
        if self.label_smoothing is not None:
            valid = 'above 0 and below 1, for example 0.1'
            require_number(
                'mcmi.label_smoothing',
                self.label_smoothing,
                lambda v: 0 < v < 1,
                valid,
            )
        for key, does in _OF_TRAINING.items():
            value = getattr(self, key)
            if value and self.mll_epochs is None:
                raise UserError(
                    f'mcmi.{key}={value}: {does} the mcmi.mll_epochs epochs; set that '
                    'too, or leave it out'
                )
        if self.snapshots and self.early_stopping:
            raise UserError(
                f'mcmi.snapshots={self.snapshots}: it is the mean of the last epochs, '
                'and mcmi.early_stopping keeps one of all; leave one of them out'
            )
        if (self.snapshots or 0) > (self.mll_epochs or 0):
            raise UserError(
                f'mcmi.snapshots={self.snapshots}: there are but {self.mll_epochs} '
                'mcmi.mll_epochs; take fewer'
            )

    def of_control(self) -> 'TeacherOptions':
        """The same fine-tune with lambda = 0, whatever the form."""
        return replace(self, form='fixed', lmda=0.0, eps=None, reward='cmi')
