"""One pass over a data set, its predictions taken in parts of about a thousand."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from .information import ClassStatistics

# An update of few rows costs its calls, not its arithmetic.
ROWS_AT_ONCE = 1024


def at_once(parts: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of [B, C] logits and [B] labels, joined to 1024 rows or more each.

    The last one may have fewer.
    """
    waiting: list[tuple[Tensor, Tensor]] = []
    for part in parts:
        waiting.append(part)
        if sum(len(labels) for _, labels in waiting) >= ROWS_AT_ONCE:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


@torch.no_grad()
def collect(
    forward: Callable[[Any], Tensor],
    batches: Iterable[tuple[Any, Tensor]],
    num_classes: int,
    device: torch.device | str = 'cpu',
) -> ClassStatistics:
    """Pass once over a data set and return the statistics of the predictions.

    Args:
        forward: inputs -> [B, C] logits. Whether the network is in train or eval
            mode is the caller's choice and stays as it is: in train mode batch
            norm uses, and moves, its running statistics.
        batches: pairs of inputs and [B] integer labels.
        num_classes: C.
        device: where the statistics live.

    >>> network = torch.nn.Identity()
    >>> batches = [(torch.eye(2), torch.tensor([0, 1]))]
    >>> collect(network, batches, num_classes=2).accuracy()
    100.0
    """
    statistics = ClassStatistics(num_classes, device)
    parts = ((forward(x).to(device), labels.to(device)) for x, labels in batches)
    for logits, labels in at_once(parts):
        statistics.update(logits, labels)
    return statistics


def _joined(waiting: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    logits, labels = zip(*waiting, strict=True)
    return torch.cat(logits), torch.cat(labels)
