"""What a classifier predicts for a bounded draw of a data set's samples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.dataset import default_collate
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.measure import hard_labels


@dataclass(frozen=True)
class Predictions:
    """Of N samples.

    Attributes:
        logits: [N, C] float32, on the CPU.
        labels: [N] int64, on the CPU.
        classes: C names; ids as text where the data set names none.
        available: how many samples the data set has.
    """

    logits: Tensor
    labels: Tensor
    classes: list[str]
    available: int

    def confusion(self) -> Tensor:
        """[C, C] int64 counts; rows are true classes, columns predicted ones."""
        num_classes = self.logits.shape[1]
        cells = self.labels * num_classes + self.logits.argmax(1)
        counts = torch.bincount(cells, minlength=num_classes**2)
        return counts.view(num_classes, num_classes)


def drawn(available: int, number: int) -> np.ndarray:
    """Ids of ``number`` samples, all of them if there are no more, in order.

    Drawn from the whole of the set, whose files may lie class by class, and by a
    seed of its own: every run shows the same samples.
    """
    return np.sort(np.random.RandomState(0).permutation(available)[:number])


@torch.no_grad()
def predict(
    network: nn.Module,
    preprocessor: nn.Module,
    dataset: Any,
    number: int,
    title: str = '',
    batch_size: int = 64,
    workers: int = 0,
    collate: Callable = default_collate,
) -> Predictions:
    """Run a classifier on :func:`drawn` samples, in this process alone.

    Args:
        network: an mmengine classifier; its mode is put back afterwards.
        preprocessor: of the algorithm that it is in.
        dataset: of mmpretrain's form.
        number: most samples to take.
        title: of the progress bar, or a line of it in a file; '' for neither.
        batch_size: of the pass.
        workers: processes that load.
        collate: joins samples to batches.

    Raises:
        UserError: the samples have not one hard label each, or a network without
            logits.
    """
    ids = drawn(len(dataset), number)
    loader = DataLoader(
        Subset(dataset, ids.tolist()),
        batch_size,
        num_workers=workers,
        collate_fn=collate,
    )
    console = Console()
    if title and not console.is_terminal:  # where a bar would be lines of its own
        print(f'{title}: {len(ids)} samples', flush=True)
        title = ''
    logits, labels = [], []
    was_training = network.training
    network.eval()
    try:
        for raw in track(loader, title, disable=not title, transient=True):
            batch = preprocessor(raw, False)
            found = network(batch['inputs'], batch['data_samples'], mode='tensor')
            if not isinstance(found, Tensor) or found.ndim != 2:
                raise UserError(f'{type(network).__name__} gives no [B, C] logits')
            logits.append(found.float().cpu())
            labels.append(hard_labels(batch['data_samples']).cpu())
    finally:
        network.train(was_training)
    if sum(map(len, labels)) != len(ids):
        raise UserError('the samples have not one label each')
    joined, truth = torch.cat(logits), torch.cat(labels)
    if truth.min() < 0 or truth.max() >= joined.shape[1]:
        raise UserError(
            f'label {truth.max()} is not among the {joined.shape[1]} classes'
        )
    names = getattr(dataset, 'metainfo', {}).get('classes')
    if not names or len(names) != joined.shape[1]:
        names = range(joined.shape[1])
    return Predictions(joined, truth, list(map(str, names)), len(dataset))
