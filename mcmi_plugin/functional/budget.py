"""Centroids that follow the model, and a lambda that keeps to a budget.

Both are observations of ours, not of Ye et al. (ICLR 2024). With ``Q0`` fixed,
``mean KL(P||Q0) = CMI + sum_y p(y) KL(Q_now^y || Q0^y)``, so the objective also
rewards leaving ``Q0``. With ``Q`` the current mean of ``P``, held constant in the
derivative, the gradient is exactly that of the CMI, which log C bounds.

Everything here is tensors in, tensors out, and waits for no device.
"""

import math

import torch
import torch.distributed as dist
from torch import Tensor

DECAY = 0.99  # of the centroids; .999 lags behind the model
LOG_FLOOR = math.log(1e-12)  # of a centroid's entry
LAMBDA_CAP = 5.0  # the lambda of a budget of which nothing is spent


def batch_sums(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What centroids and controller need to know of a batch, in float64.

    Summed over all processes, which must call it together.

    Args:
        logits: [B, C], any floating dtype.
        labels: [B] int64 class ids.

    Returns:
        The sum of ``P_x`` by class [C, C], the samples of each class [C], and the
        summed cross-entropy in nats [].
    """
    log_p = logits.detach().double().log_softmax(1)
    # A product, and in float64: deterministic on CUDA, out of autocast's reach.
    members = torch.zeros_like(log_p).scatter_(1, labels[:, None], 1)
    of_label = log_p.masked_fill(members == 0, 0)  # 0 times -inf would be NaN
    sums = (members.T @ log_p.exp(), members.sum(0), -of_label.sum())
    if not (dist.is_available() and dist.is_initialized()):
        return sums
    message = torch.cat([part.flatten() for part in sums])
    dist.all_reduce(message)
    prob_sums, counts, ce_sum = message.split([part.numel() for part in sums])
    return prob_sums.view_as(sums[0]), counts, ce_sum[0]


def followed_centroids(
    log_centroids: Tensor, prob_sums: Tensor, counts: Tensor, decay: float = DECAY
) -> Tensor:
    """``Q^y <- decay Q^y + (1 - decay) mean P_x`` for the classes of a batch.

    Args:
        log_centroids: [C, C], row y = ``log Q^y``; rows without a sample stay.
        prob_sums: [C, C] sums of ``P_x`` by class.
        counts: [C] samples per class.
        decay: above 0 and below 1.

    Returns:
        New ``log Q``, [C, C], no entry of a changed row below ``log 1e-12``, in the
        dtype of ``prob_sums``.
    """
    log_mean = prob_sums.log() - counts.log()[:, None]
    log_q = log_centroids.to(prob_sums.dtype)
    new = torch.logaddexp(log_q + math.log(decay), log_mean + math.log1p(-decay))
    return torch.where(counts[:, None] > 0, new.clamp(min=LOG_FLOOR), log_q)


def moving_average(average: Tensor, value: Tensor, batches: Tensor) -> Tensor:
    """An average over about a quarter of an epoch.

    Args:
        average: so far [].
        value: of this batch [].
        batches: in an epoch [].

    >>> moving_average(torch.tensor(1.0), torch.tensor(3.0), torch.tensor(8))
    tensor(2.)
    """
    share = (4 / batches).clamp(max=1).to(average)
    return torch.lerp(average, value.to(average), share)


def budget_lambda(
    ce_average: Tensor, ce_start: Tensor, eps: float, epochs: Tensor
) -> Tensor:
    """Lambda in proportion to what is left of the budget.

    ``5 min(1, epochs) clip((CE_0 + eps - m) / eps, 0, 1)``: at full strength while
    the cross-entropy has not risen, nothing once the budget is spent.

    Args:
        ce_average: m, the moving average of the cross-entropy in nats [].
        ce_start: CE_0, where it started [].
        eps: the rise allowed, in nats; 0: any rise lets lambda go altogether.
        epochs: since the start, may be a fraction [].

    >>> half_spent = torch.tensor(0.11), torch.tensor(0.10)
    >>> budget_lambda(*half_spent, eps=0.02, epochs=torch.tensor(3.0))
    tensor(2.5000)
    """
    rise = ce_average - ce_start
    left = ((eps - rise) / eps).clamp(0, 1) if eps > 0 else (rise < 0).to(rise)
    return LAMBDA_CAP * epochs.clamp(max=1) * left
