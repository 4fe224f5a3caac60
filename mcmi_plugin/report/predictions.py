"""What a classifier predicts for a bounded draw of a data set's samples."""

from collections.abc import Callable
from typing import Any

import numpy as np
from mmengine.dataset import default_collate
from rich import get_console
from torch import nn
from torch.utils.data import DataLoader, Subset

from mcmi_plugin.evaluation.predictions import Predictions, predict


def drawn(available: int, number: int) -> np.ndarray:
    """Ids of ``number`` samples, all of them if there are no more, in order.

    Drawn from the whole of the set, whose files may lie class by class, and by a
    seed of its own: every run shows the same samples.
    """
    return np.sort(np.random.RandomState(0).permutation(available)[:number])


def predict_some(
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
        title: of the progress bar, or a line of it in a file; '' for neither.

    Raises:
        UserError: as :func:`.predictions`.
    """
    ids = drawn(len(dataset), number)
    loader = DataLoader(
        Subset(dataset, ids.tolist()),
        batch_size,
        num_workers=workers,
        collate_fn=collate,
    )
    if title and not get_console().is_terminal:  # where a bar would be empty lines
        print(f'{title}: {len(ids)} samples', flush=True)
    return predict(network, preprocessor, loader, title)
