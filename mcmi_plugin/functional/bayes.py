"""A Bayes conditional distribution that is known, and the distance to it.

Ye et al., ICLR 2024, section A.6, after Ren et al., *Better Supervisory Signals
by Observing Learning Paths*, 2021.
"""

import torch
from torch import Tensor


def gaussian_posterior(means: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """The linear classifier whose softmax is the exact BCPD of Gaussian classes.

    Where ``x | y ~ N(mu_y, sigma^2 I)`` and all y are equally likely,
    ``log P(y | x) = (x . mu_y - |mu_y|^2 / 2) / sigma^2 + const``.

    Args:
        means: [C, D], mu.
        sigma: standard deviation of every coordinate, above 0.

    Returns:
        weight [C, D] and bias [C], of the dtype of ``means``: the logits are
        ``x @ weight.T + bias``.

    Raises:
        ValueError: means of another shape, or a sigma that is not above 0.

    >>> gaussian_posterior(torch.eye(2), sigma=1.0)
    (tensor([[1., 0.],
            [0., 1.]]), tensor([-0.5000, -0.5000]))
    """
    if means.ndim != 2 or sigma <= 0:
        raise ValueError(
            f'means must be [C, D] and sigma above 0: got {list(means.shape)}, {sigma}'
        )
    weight = means / sigma**2
    bias = -means.square().sum(1) / (2 * sigma**2)
    return weight, bias


def pdist(logits: Tensor, true_logits: Tensor) -> Tensor:
    """Distance of predicted distributions to the true BCPD, sample by sample.

    Their mean over a data set is Pdist of Table 5 (which prints it times 100);
    sums of batches add up to it.

    Args:
        logits: [B, C] of a classifier, any floating dtype.
        true_logits: [B, C] of the BCPD.

    Returns:
        [B] float64, ``|softmax(logits) - softmax(true_logits)|_2``, in [0, sqrt 2].

    Raises:
        ValueError: shapes that do not fit.

    >>> pdist(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, -torch.inf]]))
    tensor([0.7071], dtype=torch.float64)
    """
    if logits.ndim != 2 or logits.shape != true_logits.shape:
        raise ValueError(
            f'both must be [B, C]: got {list(logits.shape)}, {list(true_logits.shape)}'
        )
    difference = logits.double().softmax(1) - true_logits.double().softmax(1)
    return torch.linalg.vector_norm(difference, dim=1)
