"""CMI and LL of a classifier against the temperature of its logits, from one pass.

Ye et al. (ICLR 2024), Fig. 1: the CMI of ``softmax(logits / T)``. For every
temperature the class sums of :class:`ClassStatistics` are kept, which is what takes
the memory: ``8 C^2`` bytes each.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .information import ClassStatistics

# Those of the paper's Fig. 1 and some on either side, about evenly in their logs.
TEMPERATURES = (
    *(0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.5),
    *(3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0),
)

# 1/8 to 32 in steps of 2 %: finer than a few thousand samples can tell apart.
FINE_TEMPERATURES = torch.logspace(-3, 5, 281, base=2, dtype=torch.float64)


@torch.no_grad()
def fitted_temperature(logits: Tensor, targets: Tensor) -> float:
    """The temperature of the highest mean ``sum_y target(y) log P(y)``.

    Args:
        logits: [N, C], any floating dtype; computed in float64.
        targets: [N, C] float64, distributions.

    Returns:
        One of :data:`FINE_TEMPERATURES`.
    """
    logits = logits.double()
    fits = [
        (targets * (logits / t).log_softmax(1)).where(targets > 0, 0).sum()
        for t in FINE_TEMPERATURES.tolist()
    ]
    return FINE_TEMPERATURES[torch.stack(fits).argmax()].item()


def temperatures_within(num_classes: int, num_bytes: float) -> tuple[float, ...]:
    """As many of :data:`TEMPERATURES` as fit, evenly chosen, and always 1.

    Args:
        num_classes: C.
        num_bytes: memory for all their sums together. Even if it is less than one
            temperature takes, 1 is among them.

    >>> temperatures_within(num_classes=1000, num_bytes=4e7)
    (0.35, 1.0, 2.5, 5.0, 12.0)
    """
    most = max(1, int(num_bytes // (8 * num_classes**2)))
    one = TEMPERATURES.index(1.0)
    for step in range(1, len(TEMPERATURES)):
        chosen = TEMPERATURES[one % step :: step]  # 1 is one of them
        if len(chosen) <= most:
            return chosen
    return (1.0,)


class TemperatureCurve:
    """:class:`ClassStatistics` at several temperatures.

    Args:
        num_classes: C.
        temperatures: all above 0.
        device: where the sums live; batches must be there already.

    Attributes:
        statistics: by temperature.

    >>> curve = TemperatureCurve(2, (1.0, 4.0))
    >>> curve.update(torch.tensor([[0.0, 2.0], [2.0, 0.0]]), torch.tensor([1, 0]))
    >>> [round(point['ll'], 4) for point in curve.points()]
    [-0.1269, -0.4741]
    """

    def __init__(
        self,
        num_classes: int,
        temperatures: Sequence[float] = TEMPERATURES,
        device: torch.device | str = 'cpu',
    ) -> None:
        if not temperatures or min(temperatures) <= 0:
            raise ValueError(f'temperatures must be above 0: got {list(temperatures)}')
        # Only of the teacher itself are the centroids' logarithms asked for.
        self.statistics = {
            float(t): ClassStatistics(num_classes, device, track_tail=t == 1)
            for t in temperatures
        }

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: [B, C] logits and [B] integer class ids."""
        logits = logits.detach().double()
        for temperature, statistics in self.statistics.items():
            statistics.update(logits / temperature, labels)

    def points(self) -> list[dict[str, float]]:
        """``temperature``, and ``cmi``, ``ll`` and ``entropy`` at it in nats."""
        return [
            dict(
                temperature=temperature,
                cmi=statistics.cmi(),
                ll=statistics.log_likelihood(),
                entropy=statistics.entropy(),
            )
            for temperature, statistics in self.statistics.items()
        ]
