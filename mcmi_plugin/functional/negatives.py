"""Samples of other classes, drawn for a batch without an index list per class."""

from typing import NamedTuple

import torch
from torch import Tensor


class ClassOrder(NamedTuple):
    """A data set sorted by class: O(N) integers for any number of classes.

    Attributes:
        order: [N] int64 sample indices, the samples of a class side by side.
        start: [C] int64, where in `order` a class begins.
        count: [C] int64, samples per class.
    """

    order: Tensor
    start: Tensor
    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody calls


def class_order(labels: Tensor) -> ClassOrder:
    """Sort a data set by class.

    Args:
        labels: [N] int64 class ids, all samples of the data set in their order.

    Raises:
        ValueError: one class holds every sample, so that none has a negative.

    >>> class_order(torch.tensor([1, 0, 1]))
    ClassOrder(order=tensor([1, 0, 2]), start=tensor([0, 1]), count=tensor([1, 2]))
    """
    count = labels.bincount()
    if count.max() == len(labels):
        raise ValueError('negatives need samples of at least two classes')
    return ClassOrder(labels.argsort(stable=True), count.cumsum(0) - count, count)


def draw_negatives(classes: ClassOrder, labels: Tensor, num_negatives: int) -> Tensor:
    """Draw samples of other classes, uniformly, independently, with replacement.

    In class order the samples of the other classes are everything but one run: a
    number below N - n_y, moved past that run where it reaches it, is one of them,
    and each is as likely as the next, however uneven the classes are.

    Args:
        classes: the data set, on the device of `labels`.
        labels: [B] int64 class ids of the batch.
        num_negatives: K.

    Returns:
        [B, K] int64 sample indices.

    >>> classes = class_order(torch.tensor([1, 0, 1]))
    >>> draw_negatives(classes, torch.tensor([1]), 3)  # sample 1 alone is no 1
    tensor([[1, 1, 1]])
    """
    own_start = classes.start[labels][:, None]
    own_count = classes.count[labels][:, None]
    others = len(classes.order) - own_count
    # 2^62 values modulo at most 2^21 or so: even to one part in 10^12. A float32
    # in [0, 1) has 2^24 values, too few for a data set of a million.
    draw = torch.randint(2**62, (len(labels), num_negatives), device=labels.device)
    position = draw % others
    return classes.order[position + own_count * (position >= own_start)]
