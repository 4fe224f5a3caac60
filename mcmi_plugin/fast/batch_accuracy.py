"""Top-k accuracy of whole batches."""

from collections.abc import Sequence

import torch
from mmengine.dist import all_reduce, get_dist_info
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS

from mcmi_plugin.errors import UserError


@METRICS.register_module()
class BatchAccuracy(BaseMetric):
    """``accuracy/top1`` ..., in per cent, as of mmpretrain's ``Accuracy``.

    Nothing is moved from the device, gathered or joined per image. Images that a
    sampler repeats to even out several processes are left out, as by CMIMetric.

    Args:
        topk: which accuracies.
        prefix: replaces ``accuracy`` in the keys.

    Raises:
        UserError: on ``process``, more candidates than there are classes, or
            labels that are not one per image.
    """

    default_prefix = 'accuracy'
    takes_batches = True  # see BatchValLoop

    def __init__(
        self, topk: int | Sequence[int] = (1,), prefix: str | None = None
    ) -> None:
        super().__init__(prefix=prefix)
        self.topk = (topk,) if isinstance(topk, int) else tuple(topk)

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Add a batch.

        Args:
            data_samples: ``pred_score`` [C] and ``gt_label`` [1] of an image each,
                or [B, C] and [B] of all.
        """
        rows = [torch.atleast_2d(sample['pred_score']) for sample in data_samples]
        scores = torch.cat(rows)
        labels = torch.cat([sample['gt_label'] for sample in data_samples])
        if len(labels) != len(scores):
            raise UserError(
                'BatchAccuracy needs one gt_label per image: remove it from the '
                'evaluator of a multi-label data set'
            )
        candidates = max(self.topk)
        if candidates > scores.shape[1]:
            raise UserError(
                f'BatchAccuracy.topk={self.topk}: there are {scores.shape[1]} classes'
            )
        best, predicted = scores.topk(candidates, 1)
        # A score that has underflowed is no prediction, to mmpretrain.
        hits = (predicted == labels.to(scores.device)[:, None]) & (best > 0)
        self.results.append(torch.stack([hits[:, :k].any(1) for k in self.topk], 1))

    def evaluate(self, size: int) -> dict[str, float]:
        """The accuracies over all processes, NaN of no image; then start anew.

        Args:
            size: length of the data set, repeated images not counted.
        """
        rank, world_size = get_dist_info()
        own = len(range(rank, size, world_size))
        counts = torch.zeros(len(self.topk) + 1, dtype=torch.float64)
        if self.results:
            hits = torch.cat(self.results)[:own]
            counts = torch.cat(
                [hits.sum(0), hits.new_tensor([len(hits)], dtype=torch.int64)]
            )
            counts = counts.double()
        self.results.clear()
        all_reduce(counts)
        metrics = self.compute_metrics(counts.tolist())
        return {f'{self.prefix}/{name}': value for name, value in metrics.items()}

    def compute_metrics(self, results: list) -> dict[str, float]:
        """From the number of hits for each of ``topk``, and the number of images."""
        *hits, number = results
        return {
            f'top{k}': 100 * hit / number if number else float('nan')
            for k, hit in zip(self.topk, hits, strict=True)
        }
