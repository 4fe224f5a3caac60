"""One pass over a data set: what a classifier says, and the labels, both checked."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from mmengine.dist import is_main_process
from mmpretrain.utils import get_ori_model
from rich import get_console
from rich.progress import track
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mcmi_plugin.datasets.class_selection import class_names, named_classes
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.labels import class_ids
from mcmi_plugin.functional.one_pass import ROWS_AT_ONCE, collect
from mcmi_plugin.log import log_warning

_NONE = torch.empty(0, dtype=torch.int64)


class Batch(NamedTuple):
    """What a pass says of B samples.

    Attributes:
        logits: [B, C], where the network is.
        labels: [B] int64, where the loader has them; [0] if none are asked for.
        inputs: as the loader gives them, before any preprocessor.
    """

    logits: Tensor
    labels: Tensor
    inputs: Any


@torch.no_grad()
def predictions(
    model: nn.Module,
    loader: Iterable[dict],
    preprocessor: nn.Module | None = None,
    train_mode: bool = False,
    title: str = '',
    labelled: bool = True,
) -> Iterator[Batch]:
    """Show a classifier every sample of ``loader``.

    A head may be wider than the data set has class names, as in training, as long as
    the labels fit; that is said once.

    Args:
        model: an mmengine classifier whose ``mode='tensor'`` gives [B, C] logits;
            its train or eval mode is put back afterwards.
        loader: batches as the Runner builds them.
        preprocessor: by default the model's own.
        train_mode: run in train mode, which moves batch norm's statistics.
        title: of a progress bar, where there is a terminal; '' for none.
        labelled: whether every sample must have its label.

    Raises:
        UserError: a model without logits, or data without one hard label a sample,
            in ``[0, C)``.
    """
    model = get_ori_model(model)
    # Elsewhere a bar would be empty lines.
    bar = bool(title) and is_main_process() and get_console().is_terminal
    was_training = model.training
    model.train(train_mode)
    try:
        for raw in track(loader, title, disable=not bar, transient=True):
            # Before they are on the device, where looking at them would wait for it.
            labels = hard_labels(raw['data_samples']) if labelled else _NONE
            logits = logits_of(model, raw, preprocessor)
            if labelled:
                _check_labels(labels, len(logits), logits.shape[1], loader)
            yield Batch(logits, labels, raw['inputs'])
    finally:
        model.train(was_training)


@torch.no_grad()
def logits_of(model: Any, raw: dict, preprocessor: nn.Module | None = None) -> Tensor:
    """[B, C] logits of a batch as a loader gives it; arguments as :func:`predictions`.

    Raises:
        UserError: the model gives others.
    """
    preprocessor = preprocessor or model.data_preprocessor
    batch = preprocessor(raw, False)
    logits = model(batch['inputs'], batch.get('data_samples'), mode='tensor')
    # Some networks squeeze a batch of one away: mmpretrain's LeNet5.
    if isinstance(logits, Tensor) and logits.ndim == 1 and len(batch['inputs']) == 1:
        logits = logits[None]
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        raise UserError(
            f'{type(model).__name__} gives no [B, C] logits in tensor mode; name a '
            'classifier with a classification head'
        )
    return logits


def hard_labels(data_samples: Sequence) -> Tensor:
    """[B] class ids of mmpretrain's data samples, or of a metric's dicts.

    Without a ``gt_label`` they are those of a one-hot ``gt_score``.

    Raises:
        UserError: a sample has no label, several, or a mixed one only.
    """
    if all('gt_label' in sample for sample in data_samples):
        labels = [sample.get('gt_label') for sample in data_samples]
        # One sample may hold the labels of a whole batch (ResidentLoader).
        if len(labels) > 1 and any(label.numel() != 1 for label in labels):
            raise UserError(_SEVERAL)
        return torch.cat(labels)
    try:
        scores = [sample.get('gt_score') for sample in data_samples]
        return class_ids(torch.stack(scores))
    except (TypeError, ValueError) as error:  # TypeError: there is no gt_score
        raise UserError(
            'train_dataloader.dataset: a sample has no hard label (gt_label); CMI '
            'needs one label per image, not mixed or missing ones'
        ) from error


_SEVERAL = (
    'a sample has several labels, or none: the data are multi-label; CMI needs one '
    'label per image'
)


def _check_labels(
    labels: Tensor, number: int, num_classes: int, loader: Iterable
) -> None:
    if len(labels) != number:
        raise UserError(f'{data_name(loader)}: {_SEVERAL}')
    if labels.device.type == 'cpu':  # elsewhere a look would be to wait
        low, high = labels.aminmax()
        if low < 0 or high >= num_classes:
            raise UserError(
                f'{data_name(loader)}: label {low if low < 0 else high} is not in '
                f"[0, {num_classes}); set the head's num_classes to the data set's"
            )
    named = len(named_classes(_dataset(loader)))
    if named and named != num_classes:
        _tell_of_outputs(data_name(loader), named, num_classes)


@functools.cache
def _tell_of_outputs(data: str, named: int, num_classes: int) -> None:
    log_warning(
        f'{data} has {named} classes, the head {num_classes} outputs; the labels fit, '
        'and a class without a name is called by its number'
    )


def data_name(loader: Iterable) -> str:
    """``ImageNet data/imagenet``: a loader's data set and its folder, for messages."""
    dataset = _dataset(loader)
    return f'{type(dataset).__name__} {getattr(dataset, "data_root", "")}'.strip()


def _dataset(loader: Iterable) -> Any:
    dataset = getattr(loader, 'dataset', None)
    return dataset.dataset if isinstance(dataset, torch.utils.data.Subset) else dataset


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of N samples.

    Attributes:
        logits: [N, C] float32, on the CPU.
        labels: [N] int64, on the CPU.
        classes: C names; ids as text where the data set names none.
    """

    logits: Tensor
    labels: Tensor
    classes: list[str]

    @functools.cached_property
    def statistics(self) -> ClassStatistics:
        """Sums over the samples, of the class probabilities."""
        rows = self.logits.split(ROWS_AT_ONCE), self.labels.split(ROWS_AT_ONCE)
        return collect(nn.Identity(), zip(*rows, strict=True), self.logits.shape[1])

    def confusion(self) -> Tensor:
        """[C, C] int64 counts; rows are true classes, columns predicted ones."""
        num_classes = self.logits.shape[1]
        cells = self.labels * num_classes + self.logits.argmax(1)
        counts = torch.bincount(cells, minlength=num_classes**2)
        return counts.view(num_classes, num_classes)


def predict(
    model: nn.Module, preprocessor: nn.Module, loader: DataLoader, title: str = ''
) -> Predictions:
    """Keep what :func:`predictions` says of all samples, which are one or more."""
    parts = [
        (batch.logits.float().cpu(), batch.labels.cpu())
        for batch in predictions(model, loader, preprocessor, title=title)
    ]
    logits, labels = map(torch.cat, zip(*parts, strict=True))
    return Predictions(logits, labels, class_names(_dataset(loader), logits.shape[1]))


def require_finite(
    statistics: ClassStatistics, model: nn.Module, loader: Iterable
) -> None:
    """No prediction of a pass is NaN or infinite.

    Raises:
        UserError: some are.
    """
    if not statistics.is_finite():
        raise UserError(
            f'{type(model).__name__} predicts NaN or infinity on {data_name(loader)}; '
            'check the checkpoint and the data_preprocessor'
        )
