"""Variational information distillation (VID).

Ahn et al., *Variational Information Distillation for Knowledge Transfer*, CVPR 2019.
"""

import math

from torch import Tensor
from torch.nn.functional import softplus

# Lower bound of the predicted variance, as in the reference implementation.
_MIN_VARIANCE = 1e-5


def initial_log_scale(variance: float) -> float:
    """The parameter whose variance in :func:`gaussian_nll` is `variance`."""
    return math.log(math.expm1(variance - _MIN_VARIANCE))


def gaussian_nll(mean: Tensor, log_scale: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood of the teacher's map, up to a constant, in nats.

    Args:
        mean: [B, C, H, W], the student's prediction.
        log_scale: [C]; the variance of a channel is softplus of it, plus 1e-5.
        target: [B, C, H, W], the teacher's map; constant.

    Returns:
        Scalar, mean over all elements.

    >>> import torch
    >>> log_scale = torch.tensor([initial_log_scale(1.0)])
    >>> gaussian_nll(torch.zeros(1, 1, 2, 2), log_scale, torch.ones(1, 1, 2, 2))
    tensor(0.5000)
    """
    variance = (softplus(log_scale) + _MIN_VARIANCE).view(1, -1, 1, 1)
    squared_error = (mean - target.detach()).pow(2)
    return 0.5 * (squared_error / variance + variance.log()).mean()
