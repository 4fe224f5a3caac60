"""Whether a classifier is as often right as it is confident, from one pass.

Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017, equations 3 to 5.
Sums per bin are enough, so no prediction is kept.
"""

import torch
from torch import Tensor

BINS = 15  # Guo et al.'s


class Reliability:
    """Confidence and accuracy by bin of confidence; O(bins) memory, float64.

    The confidence is the largest probability of the softmax. Bin m of M holds the
    confidences in ``((m - 1) / M, m / M]``.

    Args:
        device: where the sums live; batches must be there already.
        bins: M.

    Attributes:
        counts: [M] int64, samples.
        confidence_sum: [M] float64.
        correct: [M] int64, samples whose most probable class is their label.

    >>> reliability = Reliability()
    >>> reliability.update(torch.zeros(4, 2), torch.tensor([0, 0, 0, 1]))
    >>> reliability.confidence(), reliability.error()
    (50.0, 25.0)
    """

    def __init__(self, device: torch.device | str = 'cpu', bins: int = BINS) -> None:
        if bins < 1:
            raise ValueError(f'bins must be 1 or more: got {bins}')
        self.bins = bins
        self.counts = torch.zeros(bins, dtype=torch.int64, device=device)
        self.confidence_sum = self.counts.double()
        self.correct = self.counts.clone()

    @torch.no_grad()
    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Add a batch; never waits for the device.

        Args:
            logits: [B, C], any floating dtype; computed in float64.
            labels: [B] integer class ids.

        Raises:
            ValueError: shapes that do not fit.
        """
        if logits.ndim != 2 or labels.shape != logits.shape[:1]:
            raise ValueError(
                'logits must be [B, C] and labels [B]: got '
                f'{list(logits.shape)} and {list(labels.shape)}'
            )
        confidence, predicted = logits.double().softmax(1).max(1)
        # NaN has no bin; the index of another one keeps the device from asserting.
        index = (confidence * self.bins).ceil().nan_to_num(1).long() - 1
        index = index.clamp(0, self.bins - 1)
        self.counts.index_add_(0, index, torch.ones_like(index))
        self.confidence_sum.index_add_(0, index, confidence)
        self.correct.index_add_(0, index, (predicted == labels).long())

    def confidence(self) -> float:
        """Mean confidence, in per cent; NaN without a sample."""
        return float(100 * self.confidence_sum.sum() / self.counts.sum())

    def error(self) -> float:
        """Expected calibration error (eq. 5), in points; NaN without a sample.

        The mean over the samples of ``|accuracy - confidence|`` of their bins.
        """
        gaps = (self.correct - self.confidence_sum).abs()
        return float(100 * gaps.sum() / self.counts.sum())

    def per_bin(self) -> list[tuple[int, float, float]]:
        """(samples, mean confidence, accuracy), M times; per cent, NaN if empty."""
        confidence = 100 * self.confidence_sum / self.counts
        accuracy = 100 * self.correct.double() / self.counts
        columns = (self.counts, confidence, accuracy)
        return list(zip(*(column.tolist() for column in columns), strict=True))
