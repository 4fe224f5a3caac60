"""Hierarchical context loss of ReviewKD.

Chen et al., *Distilling Knowledge via Knowledge Review*, CVPR 2021.
"""

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, mse_loss

_PYRAMID = (4, 2, 1)


def hierarchical_context(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error at full size and on a pooled pyramid of 4, 2 and 1.

    A level that is not smaller than the map is left out; each level used counts
    half of the one before, and the weights are normalised to 1.

    Args:
        student: [B, C, H, W], the output of a fusion level.
        teacher: [B, C, H, W]; constant.

    Returns:
        Scalar.

    Raises:
        ValueError: unequal shapes, which the squared error would broadcast.

    >>> import torch
    >>> hierarchical_context(torch.zeros(1, 2, 8, 8), torch.ones(1, 2, 8, 8))
    tensor(1.)
    """
    if student.shape != teacher.shape:
        raise ValueError(
            f'equal shapes are needed: {list(student.shape)} of the student, '
            f'{list(teacher.shape)} of the teacher'
        )
    teacher = teacher.detach()
    loss, weight, total = mse_loss(student, teacher), 1.0, 1.0
    for level in _PYRAMID:
        if level < student.shape[-2]:
            weight /= 2
            total += weight
            loss = loss + weight * mse_loss(
                adaptive_avg_pool2d(student, level), adaptive_avg_pool2d(teacher, level)
            )
    return loss / total
