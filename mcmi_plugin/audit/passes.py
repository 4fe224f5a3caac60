"""One pass of a teacher over a data set, for all figures at once.

Nothing is kept per sample, so memory does not grow with the data set; the host
waits for the device once in about a thousand samples. Where people's counts are known,
the logits of their images are kept as well, ``4 N C`` bytes on the host.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader

from mcmi_plugin.datasets.configs import measuring_loader
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import data_name, predictions, require_finite
from mcmi_plugin.faults.names import REFUSALS, explain
from mcmi_plugin.functional.calibration import Reliability
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.one_pass import at_once
from mcmi_plugin.functional.temperature import TemperatureCurve, temperatures_within
from mcmi_plugin.networks import scope_of

SHARE_OF_MEMORY = 1 / 4  # of the device, for the sums of all temperatures


def build_loader(cfg: Config, split: str) -> DataLoader:
    """A loader of every sample of ``'train'`` or ``'val'`` once, unaugmented.

    Raises:
        UserError: the config has no such loader, or it cannot be built.
    """
    if split == 'train' and not cfg.get('train_dataloader'):
        raise UserError(
            f'{cfg.filename}: train_dataloader is not set; CMI and lambda are those '
            'of the training set'
        )
    loader = measuring_loader(cfg, split)
    for key in ('type', 'memory_budget'):  # of a ResidentLoader: no use in one pass
        loader.pop(key, None)
    try:
        with DefaultScope.overwrite_default_scope(scope_of(cfg)):
            return Runner.build_dataloader(loader)
    except REFUSALS as error:
        explain(error, cfg)
        raise


class Sums:
    """What one pass leaves behind.

    Attributes:
        curve: the class sums at every temperature.
        reliability: the bins of confidence.
    """

    def __init__(self, num_classes: int, device: torch.device) -> None:
        room = memory_of(device) * SHARE_OF_MEMORY
        temperatures = temperatures_within(num_classes, room)
        self.curve = TemperatureCurve(num_classes, temperatures, device)
        self.reliability = Reliability(device)

    @property
    def statistics(self) -> ClassStatistics:
        """Those of the teacher as it is, at temperature 1."""
        return self.curve.statistics[1.0]

    def update(self, logits: Tensor, labels: Tensor) -> None:
        self.curve.update(logits, labels)
        self.reliability.update(logits, labels)


@torch.no_grad()
def pass_over(
    loader: DataLoader,
    model: BaseModel,
    advance: Callable[[int], None] = lambda samples: None,
    keep: list[tuple[Tensor, Tensor]] | None = None,
) -> Sums:
    """Show ``model`` every sample of ``loader``.

    Args:
        loader: batches as mmengine builds them.
        model: an mmpretrain classifier in eval mode.
        advance: called after every batch with its number of samples.
        keep: gets the [N, C] logits and [N] labels too, on the CPU, in parts.

    Raises:
        UserError: as :func:`.predictions`, no sample, or predictions that are NaN
            or infinite.
    """
    device = next(model.parameters()).device

    def told() -> Iterator[tuple[Tensor, Tensor]]:
        for logits, labels, _ in predictions(model, loader):
            yield logits, labels.to(device, non_blocking=True)
            advance(len(labels))

    sums = None
    for logits, labels in at_once(told()):
        if sums is None:
            sums = Sums(logits.shape[1], device)
        sums.update(logits, labels)
        if keep is not None:
            keep.append((logits.float().cpu(), labels.cpu()))
    if sums is None:
        raise UserError(f'{data_name(loader)} has no sample; check the data set')
    require_finite(sums.statistics, model, loader)
    return sums


def num_samples(loader: DataLoader) -> int:
    """How many samples one pass of ``loader`` has."""
    dataset: Any = loader.dataset  # torch does not promise that it has a length
    return len(dataset)


def memory_of(device: torch.device) -> int:
    """All memory of a device, in bytes."""
    if device.type == 'cuda':
        return torch.cuda.get_device_properties(device).total_memory
    return os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
