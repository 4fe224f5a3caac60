"""Class ids out of one-hot rows."""

import torch
from torch import Tensor


def class_ids(labels: Tensor, look: bool = True) -> Tensor:
    """[B] int64 class ids of [B] integer ids or of [B, C] one-hot rows of any dtype.

    Looking whether rows are one-hot waits for the device; ids are passed on unseen.

    Args:
        labels: [B] or [B, C].
        look: or else leave it to the device's own assertion, which does not wait.

    Raises:
        ValueError: mixed or smoothed rows, no or several classes in a row, or ids
            that are no integers.

    >>> class_ids(torch.tensor([[0, 1], [1, 0]]))
    tensor([1, 0])
    """
    if labels.ndim == 2:
        # A single 1 and nothing else.
        one_hot = ((labels == 1).sum(1) == 1) & ((labels != 0).sum(1) == 1)
        if not look:
            torch._assert_async(one_hot.all(), 'hard labels are needed')
        if not look or bool(one_hot.all()):
            return labels.argmax(1)
    elif labels.ndim == 1 and not torch.is_floating_point(labels):
        return labels.long()
    raise ValueError(
        f'hard labels are needed, [B] class ids or one-hot rows: got '
        f'{list(labels.shape)} {labels.dtype}'
    )
