"""Full precision inside a mixed-precision step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def wide(tensor: Tensor) -> Tensor:
    """``tensor``, no narrower than float32: float16 and bfloat16 become that.

    >>> wide(torch.ones(1, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


@contextmanager
def full_precision(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Autocast off, and the tensors no narrower than float32.

    Autocast would run the Gram matrices of SP and PKT and CRD's inner products in
    float16: squares of a whole feature map overflow there, and an error of 1e-3 in
    a similarity becomes 1.4 per cent of ``exp(similarity / 0.07)``.

    Args:
        tensors: of any floating dtype, on one device.

    Yields:
        The tensors, :func:`wide`.
    """
    with torch.autocast(tensors[0].device.type, enabled=False):
        yield tuple(map(wide, tensors))
