"""Passes of a classifier over loaders: its centroids, CMI, LL and accuracy."""

import math
from collections.abc import Iterator

from mmengine.model import BaseModel
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import (
    data_name,
    predictions,
    require_finite,
)
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.one_pass import collect
from mcmi_plugin.log import log_warning


def measure(
    model: BaseModel,
    loader: DataLoader,
    num_classes: int,
    train_mode: bool = False,
    title: str = 'measuring',
) -> ClassStatistics:
    """Statistics of ``model`` on every sample of ``loader``, over all processes.

    Args:
        model: as for :func:`.predictions`.
        loader: batches as the Runner builds them. Its sampler must not repeat
            samples (``round_up=False``), they would count twice.
        train_mode: run in train mode, which moves batch norm's statistics as the
            authors' release does; by default eval mode.

    Raises:
        UserError: as :func:`.predictions`, another number of outputs, or
            predictions that are NaN.
    """
    model = get_ori_model(model)

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in predictions(model, loader, train_mode=train_mode, title=title):
            outputs = batch.logits.shape[1]
            if outputs != num_classes:
                raise UserError(
                    f'the classifier has {outputs} outputs, not {num_classes}; set '
                    "its head's num_classes"
                )
            yield batch.logits, batch.labels

    device = next(model.parameters()).device
    try:
        statistics = collect(nn.Identity(), pairs(), num_classes, device)
        statistics.all_reduce()
    except ValueError as error:  # of labels that were on a device already
        raise UserError(
            f"{data_name(loader)}: {error}; set the head's num_classes to the "
            "data set's"
        ) from error
    require_finite(statistics, model, loader)
    return statistics


def summary(statistics: ClassStatistics) -> dict[str, float]:
    """The figures of one pass: accuracy in per cent, the others in nats."""
    return dict(
        accuracy=statistics.accuracy(),
        ll=statistics.log_likelihood(),
        cmi=statistics.cmi(),
        entropy=statistics.entropy(),
        num_samples=int(statistics.counts.sum()),
    )


def is_worse_than_guessing(ll: float, num_classes: int) -> bool:
    """Whether a teacher knows less of its training set than who knows nothing.

    A warning says so, and no error: the cross-entropy of a fine-tune may yet mend a
    teacher of other images, and MMRazor takes any teacher.

    Args:
        ll: log-likelihood of the training set, in nats.
        num_classes: C; guessing has ``-log C``.
    """
    guessing = -math.log(num_classes)
    if ll >= guessing - 1e-6:  # of rounding
        return False
    log_warning(
        f'the teacher is worse than guessing, LL {ll:.3f} nats on its training set '
        f'where -log({num_classes}) is {guessing:.3f}: it is broken or untrained, or '
        'sees other images than it learnt from; check mean, std and the order of the '
        'channels (to_rgb) in its data_preprocessor, and that the data set counts the '
        'classes as the teacher does'
    )
    return True


def measured(
    model: nn.Module, loaders: dict[str, DataLoader], num_classes: int, title: str
) -> dict[str, dict[str, float]]:
    """Accuracy in per cent, LL, CMI and entropy in nats of each split."""
    found = statistics_of(model, loaders, num_classes, title)
    return {split: summary(statistics) for split, statistics in found.items()}


def statistics_of(
    model: nn.Module, loaders: dict[str, DataLoader], num_classes: int, title: str
) -> dict[str, ClassStatistics]:
    return {
        split: measure(model, loader, num_classes, title=f'{split}, {title}')
        for split, loader in loaders.items()
    }
