"""One pass of a classifier over a loader: its centroids, CMI, LL and accuracy."""

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
from mcmi_plugin.functional.information import ClassStatistics, collect


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
