"""The fine-tuning loss of an MCMI teacher, for any classification head."""

import math
from typing import Any, cast

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from mmpretrain.models.losses.utils import weight_reduce_loss
from torch import Tensor, nn

from ..errors import UserError
from ..faults.values import require_whole
from ..functional import rewards
from ..functional.budget import LOG_FLOOR, batch_sums, followed_centroids
from ..functional.labels import class_ids
from ..functional.mcmi import ce_and_kl, lower_bound
from ..functional.precision import wide
from .budget_controller import BudgetController
from .cmi_arguments import BUDGETED, check_dial
from .label_remedy import label_remedy


@MODELS.register_module()
class CMILoss(nn.Module):
    """``CE - lmda * KL(P_x || Q^y)`` in nats, with constant centroids ``Q``.

    Minimising it maximises log-likelihood + lmda * CMI (Ye et al., ICLR 2024,
    eqs 12 to 14). Use it as the ``loss`` of an mmpretrain head and hand it the
    centroids of the pre-trained network before the first step. Computed in
    float32 under autocast and for half-precision scores.

    Args:
        lmda: weight of the CMI, >= 0 (the authors' code writes it negative).
            0 is plain cross-entropy and needs no centroids. None for a budget.
        num_classes: C, the width of the head.
        form: ``'fixed'``: the centroids stay, as in the paper. ``'ema'``: every
            training step moves those of its classes by 1 % towards the batch's
            mean. ``'budget'``: those, and a lambda set anew in every step so that
            the cross-entropy rises by at most about ``eps``. ``'lower_bound'``: a
            budget too, but what it rewards is :func:`.lower_bound`.
        eps: of a budget, in nats, above 0.
        reward: what lmda rewards, in the fixed form; of ``'cmi'`` and the controls
            in :mod:`mcmi_plugin.functional.rewards`. The centroids of
            ``'wrong_class'`` are means of ``P_x`` without the label.

    Attributes:
        log_centroids: buffer [C, C], row y = ``log Q^y``; NaN until set, saved
            and loaded with the state dict.
        controller: a budget's :class:`BudgetController`, else None.
        old: of ``form='lower_bound'``: the old network's logits [B, C] of this batch
            and its log-centroids [C, C], set by :class:`LowerBoundHook`.
        statistics: where a hook sets one (with ``track_tail=False``), every
            batch seen is added to it, without waiting for the device.

    Raises:
        UserError: an argument out of its range.

    >>> loss = CMILoss(lmda=0.5, num_classes=2)
    >>> loss.set_centroids(torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log())
    >>> loss(torch.zeros(1, 2), torch.tensor([0]))
    tensor(0.4377)
    """

    log_centroids: Tensor

    def __init__(
        self,
        lmda: float | None,
        num_classes: int,
        form: str = 'fixed',
        eps: float | None = None,
        reward: str = 'cmi',
    ) -> None:
        super().__init__()
        check_dial('CMILoss', lmda, form, eps, reward)
        require_whole('CMILoss.num_classes', num_classes, 2)
        self.lmda: Any = lmda if lmda is None else float(lmda)
        self.num_classes = num_classes
        self.form = form
        self.reward = reward
        self.controller = (
            BudgetController(cast(float, eps)) if form in BUDGETED else None
        )
        self.old: tuple[Tensor, Tensor] | None = None
        self.statistics: Any = None  # ClassStatistics while a hook counts
        self.register_buffer(
            'log_centroids', torch.full((num_classes, num_classes), math.nan)
        )
        # Looking at values waits for the device, so it is done once.
        self._centroids_checked = False
        self._labels_checked = False

    def set_centroids(self, log_centroids: Tensor) -> None:
        """Set ``log Q`` (``ClassStatistics.log_centroids()``), [C, C], in nats.

        Raises:
            UserError: another number of classes, or entries that are not finite.
            ValueError: rows that are not log-probabilities.
        """
        if log_centroids.shape != self.log_centroids.shape:
            raise UserError(
                f'centroids are {list(log_centroids.shape)} but '
                f'CMILoss.num_classes is {self.num_classes}: '
                'compute them with this network on this data set'
            )
        # -inf is the centroid of a class that the network itself leaves out.
        if log_centroids.isnan().any() or log_centroids.isposinf().any():
            raise UserError(
                'centroids are not finite: the network they come from predicts '
                'NaN or infinity, check its checkpoint'
            )
        if log_centroids.logsumexp(1).abs().max() > 1e-3:
            raise ValueError('rows of log_centroids must be log-probabilities')
        if self.form != 'fixed':
            log_centroids = log_centroids.clamp(min=LOG_FLOOR)
        self.log_centroids.copy_(log_centroids)

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """The loss, reduced by mmpretrain's conventions.

        Args:
            cls_score: [B, C] logits.
            label: [B] integer class ids, or [B, C] one-hot rows, as of a
                ``data_preprocessor`` with ``to_onehot=True``.
            weight: [B] weights of the samples.
            avg_factor: divides the sum in place of B.
            reduction_override: ``'none'``, ``'mean'`` (the default) or ``'sum'``.

        Raises:
            UserError: mixed labels, a label that is no class (both on the CPU; on
                CUDA the device's own assertion fires, as in cross-entropy, but for
                mixed labels in the first batch), scores of another width, or
                centroids that were never set.
        """
        _check_scores(cls_score)
        label = self._checked(cls_score, label)
        if self.statistics is not None:
            self.statistics.update(cls_score, label)
        lmda = self._follow(cls_score, label)
        if self.lmda == 0 or self.reward != 'cmi':
            loss = F.cross_entropy(wide(cls_score), label, reduction='none')
            if self.lmda > 0:
                loss = loss - lmda * self._other_reward(cls_score, label)
        else:
            self._require_centroids()
            ce, kl = ce_and_kl(cls_score, label, self.log_centroids)
            if self.form == 'lower_bound' and self.training:
                kl = self._bound(cls_score, label)
            loss = ce - lmda * kl
        return weight_reduce_loss(
            loss,
            weight=None if weight is None else weight.to(loss.dtype),
            reduction=reduction_override or 'mean',
            avg_factor=avg_factor,
        )

    def _follow(self, cls_score: Tensor, label: Tensor) -> float | Tensor:
        """Move the centroids and the controller by a training step; its lambda."""
        if self.form == 'fixed' or self.lmda == 0 or not self.training:
            if self.controller is not None:
                return self.controller.lmda_average
            return self.lmda
        self._require_centroids()
        prob_sums, counts, ce_sum = batch_sums(cls_score, label)
        self.log_centroids.copy_(
            followed_centroids(self.log_centroids, prob_sums, counts)
        )
        if self.controller is None:
            return self.lmda
        return self.controller(ce_sum / counts.sum())

    def _other_reward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        if self.reward == 'wrong_class':
            self._require_centroids()
            return rewards.wrong_class(cls_score, label, self.log_centroids)
        return rewards.WITHOUT_CENTROIDS[self.reward](cls_score, label)

    def _bound(self, cls_score: Tensor, label: Tensor) -> Tensor:
        if self.old is None:
            raise UserError(
                'CMILoss.form=lower_bound: nothing holds the old network; add '
                "dict(type='LowerBoundHook') to custom_hooks"
            )
        return lower_bound(cls_score, label, *self.old)

    def _checked(self, cls_score: Tensor, label: Tensor) -> Tensor:
        """[B] int64 class ids."""
        for name, columns in (('cls_score', cls_score), ('label', label)):
            if columns.ndim > 1 and columns.shape[-1] != self.num_classes:
                raise UserError(
                    f'{name} has {columns.shape[-1]} columns but '
                    f'CMILoss.num_classes is {self.num_classes}: '
                    "set both to the data set's number of classes"
                )
        try:
            # On the CPU a look at the labels is free; on CUDA it would wait.
            label = class_ids(label, label.is_cpu or not self._labels_checked)
            self._labels_checked = True
        except ValueError as error:
            raise UserError(
                f'CMILoss: hard labels needed: {label_remedy(label)}'
            ) from error
        if label.is_cpu:
            outside = label[(label < 0) | (label >= self.num_classes)]
            if len(outside):
                raise UserError(
                    f'label {outside[0].item()} is not in '
                    f"[0, {self.num_classes}): labels count from 0, and the head's "
                    "num_classes is the data set's number of classes"
                )
        return label

    def _require_centroids(self) -> None:
        if self._centroids_checked:
            return
        if self.log_centroids.isnan().any():
            raise UserError(
                'CMILoss.log_centroids is not set: call set_centroids before '
                'training, or set CMILoss.lmda=0'
            )
        self._centroids_checked = True


def _check_scores(cls_score: object) -> None:
    if not isinstance(cls_score, Tensor) or cls_score.ndim != 2:
        given = type(cls_score).__name__
        if isinstance(cls_score, Tensor):
            given = f'scores of {list(cls_score.shape)}'
        raise UserError(
            f'model.teacher.head: it gives {given}, no [B, C] logits; MCMI needs a '
            'head with one score for each class'
        )


def find_cmi_loss(model: nn.Module) -> CMILoss:
    """The one :class:`CMILoss` in ``model``.

    Raises:
        UserError: there is none.
    """
    for module in model.modules():
        if isinstance(module, CMILoss):
            return module
    raise UserError(
        "model.head.loss: MCMI's hooks need dict(type='CMILoss', lmda=..., "
        'num_classes=...) there'
    )
