"""Feature maps of unequal size, brought to one size."""

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


def match_spatial_size(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Average-pool the larger of two maps to the size of the smaller.

    AT and VID compare a student's stage with a teacher's; where the two networks
    stride at different places, the maps differ in size.

    Args:
        first: [B, C1, H1, W1].
        second: [B, C2, H2, W2].

    Returns:
        Both maps at min(H1, H2) x min(W1, W2); a map of that size is itself.

    >>> import torch
    >>> maps = match_spatial_size(torch.ones(1, 8, 4, 4), torch.ones(1, 3, 2, 2))
    >>> [list(map.shape) for map in maps]
    [[1, 8, 2, 2], [1, 3, 2, 2]]
    """
    height = min(first.shape[-2], second.shape[-2])
    size = height, min(first.shape[-1], second.shape[-1])

    def pooled(maps: Tensor) -> Tensor:
        return maps if maps.shape[-2:] == size else adaptive_avg_pool2d(maps, size)

    return pooled(first), pooled(second)
