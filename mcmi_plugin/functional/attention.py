"""Attention transfer (AT).

Zagoruyko & Komodakis, *Paying More Attention to Attention*, ICLR 2017, equation 2
with p = 2 and activations summed over channels.
"""

from torch import Tensor
from torch.nn.functional import mse_loss, normalize

from .spatial import match_spatial_size


def attention_map(feature: Tensor) -> Tensor:
    """Mean square over the channels, as a unit vector per sample.

    Args:
        feature: [B, C, H, W].

    Returns:
        [B, H*W]; all zero, not NaN, for a sample whose map is all zero.

    >>> import torch
    >>> attention_map(torch.tensor([[[[3.0, 4.0]]]]))
    tensor([[0.4903, 0.8716]])
    """
    return normalize(feature.pow(2).mean(1).flatten(1))


def attention_transfer(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of the attention maps of one stage.

    The larger map is average-pooled first, before it is squared: what the
    student is asked to match is where the smaller map looks.

    Args:
        student: [B, Cs, Hs, Ws].
        teacher: [B, Ct, Ht, Wt]; constant.

    Returns:
        Scalar, mean over the batch and the positions.

    >>> import torch
    >>> feature = torch.eye(4).view(1, 1, 4, 4)
    >>> attention_transfer(feature, 3 * feature)
    tensor(0.)
    """
    student, teacher = match_spatial_size(student, teacher.detach())
    return mse_loss(attention_map(student), attention_map(teacher))
