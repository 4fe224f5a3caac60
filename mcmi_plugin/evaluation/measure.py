"""One pass of a classifier over a loader: its centroids, CMI, LL and accuracy."""

from collections.abc import Iterator, Sequence

import torch
from mmengine.dist import is_main_process
from mmengine.model import BaseModel
from mmpretrain.utils import get_ori_model
from rich import get_console
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader

from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.information import ClassStatistics, collect
from mcmi_plugin.functional.labels import class_ids


def measure(
    model: BaseModel,
    loader: DataLoader,
    num_classes: int,
    train_mode: bool = False,
    title: str = 'measuring',
) -> ClassStatistics:
    """Statistics of ``model`` on every sample of ``loader``, over all processes.

    Args:
        model: an mmengine classifier whose ``mode='tensor'`` gives [B, C] logits;
            its train or eval mode is put back afterwards.
        loader: batches as the Runner builds them. Its sampler must not repeat
            samples (``round_up=False``), they would count twice.
        num_classes: C.
        train_mode: run in train mode, which moves batch norm's statistics as the
            authors' release does; by default eval mode.
        title: what the progress bar says.

    Raises:
        UserError: a model without logits, data without hard labels or with
            labels out of range, or predictions that are NaN.
    """
    model = get_ori_model(model)
    device = next(model.parameters()).device
    was_training = model.training
    # Elsewhere a bar would be empty lines.
    shown = is_main_process() and get_console().is_terminal
    model.train(train_mode)

    def forward(batch: dict) -> Tensor:
        logits = model(batch['inputs'], batch['data_samples'], mode='tensor')
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            raise UserError(
                f'{type(model).__name__} gives no [B, C] logits in tensor mode; '
                'MCMI needs a classifier with a classification head'
            )
        if logits.shape[1] != num_classes:
            raise UserError(
                f'the classifier has {logits.shape[1]} outputs, not {num_classes}; set '
                "its head's num_classes"
            )
        return logits

    def batches() -> Iterator[tuple[dict, Tensor]]:
        for raw in track(loader, title, disable=not shown, transient=True):
            batch = model.data_preprocessor(raw, False)
            labels = hard_labels(batch['data_samples'])
            if len(labels) != len(batch['inputs']):
                raise UserError(
                    f'{_where(loader)}: a sample has several labels, or none: the data '
                    'are multi-label; CMI needs one label per image'
                )
            outside = labels[(labels < 0) | (labels >= num_classes)]
            if len(outside):
                raise UserError(
                    f'{_where(loader)}: label {outside[0].item()} is not in '
                    f"[0, {num_classes}); set the head's num_classes to the data set's"
                )
            yield batch, labels

    try:
        statistics = collect(forward, batches(), num_classes, device)
    finally:
        model.train(was_training)
    statistics.all_reduce()
    if not statistics.is_finite():
        raise UserError(
            f'{type(model).__name__} predicts NaN or infinity on {_where(loader)}; '
            'check the checkpoint and the data_preprocessor'
        )
    return statistics


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
            raise UserError(
                'a sample has several labels, or none: the data are multi-label; CMI '
                'needs one label per image'
            )
        return torch.cat(labels)
    try:
        scores = [sample.get('gt_score') for sample in data_samples]
        return class_ids(torch.stack(scores))
    except (TypeError, ValueError) as error:  # TypeError: there is no gt_score
        raise UserError(
            'train_dataloader.dataset: a sample has no hard label (gt_label); CMI '
            'needs one label per image, not mixed or missing ones'
        ) from error


def class_names(loader: DataLoader, classes: list[int]) -> str:
    """``dog (3), cat (5)``: class ids by the names the data set gives them."""
    names = getattr(loader.dataset, 'metainfo', {}).get('classes')
    names = names or ()  # a head may have more outputs than the data have classes
    shown = [f'{names[c]} ({c})' if c < len(names) else str(c) for c in classes[:5]]
    return ', '.join(shown) + f' and {len(classes) - 5} more' * (len(classes) > 5)


def _where(loader: DataLoader) -> str:
    root = getattr(loader.dataset, 'data_root', '')
    return f'{type(loader.dataset).__name__} {root}'.strip()


def summary(statistics: ClassStatistics) -> dict[str, float]:
    """The figures of one pass: accuracy in per cent, the others in nats."""
    return dict(
        accuracy=statistics.accuracy(),
        ll=statistics.log_likelihood(),
        cmi=statistics.cmi(),
        entropy=statistics.entropy(),
        num_samples=int(statistics.counts.sum()),
    )
