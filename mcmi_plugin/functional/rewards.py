"""What a fine-tune may reward beside the CMI: a sharper form of it, and controls.

Each function gives a reward r per sample, and ``CE - lambda r`` is minimised. All
in nats; half precision is computed in float32.
"""

import math

import torch
from torch import Tensor

from .mcmi import divergence
from .precision import wide


def wrong_class(logits: Tensor, labels: Tensor, log_centroids: Tensor) -> Tensor:
    """``(1 - P_x[y]) KL(P~_x || c^y)`` over the wrong classes, [B].

    ``P~`` is ``P_x`` without the label, renormalised, and ``c^y`` its mean over
    class y. The weight is a constant, so that no gradient reaches the label's
    logit: how the wrong classes share their mass is rewarded, not how much they
    have. (A form of ours, not of Ye et al.)

    Args:
        logits: [B, C].
        labels: [B] int64 class ids.
        log_centroids: [C, C], row y = ``log c^y``; its entry y is not read.
    """
    weight = 1 - wide(logits).detach().softmax(1).gather(1, labels[:, None]).squeeze(1)
    log_p = without_label(logits, labels).log_softmax(1)
    log_c = log_centroids.detach().to(log_p)[labels].scatter(1, labels[:, None], 0)
    log_p = log_p.scatter(1, labels[:, None], -torch.inf)
    return weight * divergence(log_p, log_c)


def without_label(logits: Tensor, labels: Tensor) -> Tensor:
    """Logits whose softmax is ``P_x`` without the label, renormalised; [B, C].

    The label's is a large negative number and not -inf, which would make NaN of
    a gradient.

    >>> without_label(torch.zeros(1, 3), torch.tensor([0])).softmax(1)
    tensor([[0.0000, 0.5000, 0.5000]])
    """
    return wide(logits).scatter(1, labels[:, None], -1e30)


def negative_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """``KL(P_x || uniform) = log C - H(P_x)``, [B]: entropy minimisation."""
    return math.log(logits.shape[1]) - entropy(logits, labels)


def entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """``H(P_x)``, [B]: the confidence penalty (Pereyra et al., 2017).

    >>> entropy(torch.zeros(1, 2), torch.tensor([0]))
    tensor([0.6931])
    """
    log_p = wide(logits).log_softmax(1)
    return -divergence(log_p)


def label_smoothing(logits: Tensor, labels: Tensor) -> Tensor:
    """``CE(label) - CE(uniform)``, [B]: lambda is the smoothing (Szegedy et al., 2016).

    ``CE - lambda r`` is the cross-entropy to ``1 - lambda`` of the label and
    ``lambda`` of the uniform distribution, over the classes whose logit is not -inf.
    """
    log_p = wide(logits).log_softmax(1)
    present = log_p != -torch.inf
    uniform = log_p.where(present, 0).sum(1) / present.sum(1)
    return uniform - log_p.gather(1, labels[:, None]).squeeze(1)


# Those that need no centroids.
WITHOUT_CENTROIDS = dict(
    negative_entropy=negative_entropy, entropy=entropy, label_smoothing=label_smoothing
)
