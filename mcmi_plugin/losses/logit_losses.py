"""Distillation by logits past KD and DKD, as losses for a distiller."""

from mmengine.registry import MODELS
from torch import Tensor, nn

from ..errors import UserError
from ..functional.labels import class_ids
from ..functional.logits import (
    asymmetric,
    normalised_kd,
    standardised,
    transformed_matching,
)
from ..functional.precision import full_precision
from .features import check_features
from .label_remedy import label_remedy


class _AroundALoss(nn.Module):
    """Another loss, of logits that were changed first; its ``loss_weight`` is theirs.

    Args:
        loss: config of a loss that takes ``preds_S`` and ``preds_T``, as MMRazor's
            KLDivergence and DKDLoss do.
    """

    def __init__(self, loss: dict) -> None:
        super().__init__()
        self.loss = MODELS.build({'_scope_': 'mmrazor', **loss})

    @property
    def loss_weight(self) -> float:
        return self.loss.loss_weight

    @loss_weight.setter
    def loss_weight(self, value: float) -> None:  # LossWarmupHook's
        self.loss.loss_weight = value


@MODELS.register_module()
class StandardisedLogitsLoss(_AroundALoss):
    """Another loss between standardised logits; the published form of LS.

    >>> loss = StandardisedLogitsLoss(dict(type='KLDivergence', tau=2.0))
    """

    def forward(
        self, preds_S: Tensor, preds_T: Tensor, gt_labels: Tensor | None = None
    ) -> Tensor:
        """What the loss returns for logits that are :func:`.standardised`.

        Args:
            preds_S: [B, C] logits of the student.
            preds_T: [B, C] logits of the teacher.
            gt_labels: where the loss takes them, as DKD's does.

        Raises:
            UserError: not two rows of logits of one batch.
        """
        check_features(self, 'logits', preds_S=preds_S, preds_T=preds_T)
        with full_precision(preds_S, preds_T) as (student, teacher):
            given = () if gt_labels is None else (gt_labels,)
            return self.loss(standardised(student), standardised(teacher), *given)


@MODELS.register_module()
class AsymmetricTemperatureLoss(_AroundALoss):
    """Another loss, whose teacher has two temperatures: ATS.

    The label decides which logit is scaled by which, so no checkpoint can hold it:
    it is a loss of the student, with any teacher.

    Args:
        loss: as KLDivergence with ``tau=1``: the temperatures are said here.
        true: temperature of the label's logit.
        others: temperature of the teacher's other logits.
        student: temperature of the student.
    """

    def __init__(
        self, loss: dict, true: float = 4.0, others: float = 3.0, student: float = 4.0
    ) -> None:
        super().__init__(loss)
        for name, value in (('true', true), ('others', others), ('student', student)):
            _check_positive(self, name, value)
        self.true, self.others, self.student = true, others, student

    def forward(self, preds_S: Tensor, preds_T: Tensor, gt_labels: Tensor) -> Tensor:
        """See :func:`~mcmi_plugin.functional.logits.asymmetric`.

        Args:
            preds_S: [B, C] logits of the student.
            preds_T: [B, C] logits of the teacher.
            gt_labels: [B] class ids, or one-hot rows.

        Returns:
            What the loss returns, times the student's temperature squared, as in KD.

        Raises:
            UserError: not two rows of logits of one batch, or mixed labels.
        """
        check_features(self, 'logits', preds_S=preds_S, preds_T=preds_T)
        labels = _ids(self, gt_labels)
        with full_precision(preds_S, preds_T) as (student, teacher):
            teacher = asymmetric(teacher, labels, self.true, self.others)
            return self.student**2 * self.loss(student / self.student, teacher)


@MODELS.register_module()
class WTTMLoss(nn.Module):
    """Weighted transformed teacher matching.

    Args:
        exponent: of the teacher's probabilities, 1 / T, in (0, 1].
        loss_weight: tuned for each pair by its authors.

    Raises:
        UserError: an exponent outside of (0, 1].
    """

    def __init__(self, exponent: float, loss_weight: float = 1.0) -> None:
        super().__init__()
        if not 0 < exponent <= 1:
            raise UserError(
                f'distill_losses: WTTMLoss.exponent={exponent}: it is 1 / T of the '
                'teacher; give a number above 0 and up to 1'
            )
        self.exponent = exponent
        self.loss_weight = loss_weight

    def forward(self, preds_S: Tensor, preds_T: Tensor) -> Tensor:
        """Scalar in nats times ``loss_weight``: :func:`.transformed_matching`.

        Args:
            preds_S: [B, C] logits of the student.
            preds_T: [B, C] logits of the teacher; constant.

        Raises:
            UserError: not two rows of logits of one batch.
        """
        check_features(self, 'logits', preds_S=preds_S, preds_T=preds_T)
        with full_precision(preds_S, preds_T) as (student, teacher):
            matching = transformed_matching(student, teacher, self.exponent)
            return self.loss_weight * matching


@MODELS.register_module()
class NKDLoss(nn.Module):
    """Normalised KD, beside a cross-entropy of full weight.

    Args:
        tau: temperature of the classes that are not the label.
        gamma: their weight.
        loss_weight: of the whole.

    Raises:
        UserError: a temperature that is not above 0.
    """

    def __init__(
        self, tau: float = 1.0, gamma: float = 1.5, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        _check_positive(self, 'tau', tau)
        self.tau, self.gamma = tau, gamma
        self.loss_weight = loss_weight

    def forward(self, preds_S: Tensor, preds_T: Tensor, gt_labels: Tensor) -> Tensor:
        """Scalar in nats times ``loss_weight``: :func:`.normalised_kd`.

        Args:
            preds_S: [B, C] logits of the student.
            preds_T: [B, C] logits of the teacher; constant.
            gt_labels: [B] class ids, or one-hot rows.

        Raises:
            UserError: not two rows of logits of one batch, or mixed labels.
        """
        check_features(self, 'logits', preds_S=preds_S, preds_T=preds_T)
        labels = _ids(self, gt_labels)
        with full_precision(preds_S, preds_T) as (student, teacher):
            return self.loss_weight * normalised_kd(
                student, teacher, labels, self.tau, self.gamma
            )


def _check_positive(loss: nn.Module, name: str, value: float) -> None:
    if not value > 0:
        raise UserError(
            f'distill_losses: {type(loss).__name__}.{name}={value}: it is a '
            'temperature; give a number above 0'
        )


def _ids(loss: nn.Module, labels: Tensor) -> Tensor:
    try:
        return class_ids(labels)
    except ValueError as error:
        raise UserError(
            f'{type(loss).__name__}: hard labels needed: {label_remedy(labels)}'
        ) from error
