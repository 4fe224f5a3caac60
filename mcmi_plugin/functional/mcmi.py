"""The MCMI objective (Ye et al., ICLR 2024, equations 12 to 14), per sample.

Maximising ``LL + lambda * CMI`` with the centroids held fixed is minimising
``CE - lambda * KL(P_x || Q^y)``; both terms come from one log-softmax.
"""

import torch
from torch import Tensor

from .precision import wide


def ce_and_kl(
    logits: Tensor, labels: Tensor, log_centroids: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropy and ``KL(P_x || Q^y)`` of each sample, in nats.

    Gradients flow through ``P_x`` only. Logarithms are never taken of a
    probability, so both stay finite where it underflows (tried to logit gaps of
    5,000), as long as ``log_centroids`` is finite. A class whose logit is ``-inf``
    counts as left out: 0 log 0 = 0, also in the gradient.

    Args:
        logits: [B, C]; half precision is computed in float32.
        labels: [B] int64 class ids.
        log_centroids: [C, C], row y = ``log Q^y``; a constant.

    Returns:
        ``(ce, kl)``, each [B], float32 or, for float64 logits, float64.

    >>> log_centroids = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log()
    >>> ce_and_kl(torch.zeros(1, 2), torch.tensor([0]), log_centroids)
    (tensor([0.6931]), tensor([0.5108]))
    """
    log_p = wide(logits).log_softmax(1)
    log_q = log_centroids.detach()[labels].to(log_p.dtype)
    ce = -log_p.gather(1, labels[:, None]).squeeze(1)
    return ce, divergence(log_p, log_q)


def divergence(log_p: Tensor, log_q: Tensor | None = None) -> Tensor:
    """``sum_j P[j] (log P[j] - log Q[j])`` over the classes that P has at all, [B].

    Args:
        log_p: [B, C] log-probabilities; ``-inf`` leaves a class out of the sum and
            of its gradient, whatever Q says there.
        log_q: [B, C]; without it 0, which gives ``-H(P)``.
    """
    absent = log_p == -torch.inf
    ratio = log_p.masked_fill(absent, 0)
    if log_q is not None:
        ratio = ratio - log_q.masked_fill(absent, 0)
    return (log_p.exp() * ratio).sum(1)


def lower_bound(
    logits: Tensor, labels: Tensor, old_logits: Tensor, old_log_centroids: Tensor
) -> Tensor:
    """``sum_j P[j] (log P_0[j] - log Q_0^y[j])``: its mean bounds the CMI from below.

    ``P_0`` are the predictions of an earlier state of the network, ``Q_0`` their
    centroids: with those the bound is the CMI of that state, and raising it can only
    raise the CMI. It is linear in ``P``, so that leaving the centroids is worth
    nothing by itself. (A bound of ours, not of Ye et al.)

    Args:
        logits: [B, C].
        labels: [B] int64 class ids.
        old_logits: [B, C], of the same images; constant.
        old_log_centroids: [C, C], row y = ``log Q_0^y``; constant.

    Returns:
        [B], in nats; a class whose logit is ``-inf`` is left out.

    >>> log_centroids = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log()
    >>> even, label = torch.zeros(1, 2), torch.tensor([0])
    >>> lower_bound(even, label, even, log_centroids)
    tensor([0.5108])
    """
    log_p = wide(logits).log_softmax(1)
    old_log_p = old_logits.detach().to(log_p.dtype).log_softmax(1)
    log_ratio = old_log_p - old_log_centroids.detach().to(log_p.dtype)[labels]
    absent = (log_p == -torch.inf) | (old_log_p == -torch.inf)
    return (log_p.exp() * log_ratio.masked_fill(absent, 0)).sum(1)


def safe_lambda(log_centroids: Tensor) -> float:
    """The lambda near which labels begin to flip, the smallest over the classes.

    With fixed centroids, the loss of a sample of class y can fall by moving its
    prediction to a wrong class once lambda exceeds about
    ``2 / log(Q^y[y] / min_j Q^y[j])``; past it fine-tuning collapses (an
    observation of ours, not of the paper). Infinite for centroids that rank
    nothing below the label.

    Args:
        log_centroids: [C, C], row y = ``log Q^y``.

    >>> round(safe_lambda(torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log()), 4)
    0.9102
    """
    gap = log_centroids.diagonal() - reachable(log_centroids).amin(1)
    return float(2 / gap.max())


def reachable(log_centroids: Tensor) -> Tensor:
    """The same with inf for -inf: a class left out is none that labels flip to."""
    return log_centroids.masked_fill(log_centroids == -torch.inf, torch.inf)


def suggested_lambda_range(log_centroids: Tensor) -> tuple[float, float]:
    """Between which lambdas a search with fixed centroids is worth its time.

    The high end is twice :func:`safe_lambda`, which is cautious: the quick start's
    digits stand at 1.9 times that bound and have fallen at 3.7 times. The low end
    is a twentieth of it. Centroids that rank next to nothing bound nothing; they
    are searched as if labels flipped near 5.

    Args:
        log_centroids: [C, C], row y = ``log Q^y``.

    Returns:
        ``(low, high)``, both positive and finite; to be searched on a log scale.

    >>> low, high = suggested_lambda_range(torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log())
    >>> round(low, 4), round(high, 4)
    (0.0455, 1.8205)
    """
    bound = min(safe_lambda(log_centroids), 5.0)
    return bound / 20, 2 * bound
