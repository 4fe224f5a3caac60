"""Real samples of a run's validation set, and what two networks say to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS
from torch import Tensor

from mcmi_plugin.checks.data import check_data
from mcmi_plugin.datasets.class_selection import named_classes
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.predictions import logits_of
from mcmi_plugin.export.source import Source
from mcmi_plugin.faults.names import REFUSALS, explain
from mcmi_plugin.networks import built

NUM_SAMPLES = 64
# As a part of the largest logit. Another order of the same float32 sums, in dozens
# of layers, stays below 1e-5; a wrong mean or a lost layer does not.
TOLERANCE = 1e-4
_BATCH = 16

# A batch as a data_preprocessor takes it -> logits [B, C].
Logits = Callable[[dict], Tensor]


@dataclass(frozen=True)
class Samples:
    """Samples of a validation set.

    Attributes:
        batches: of a single sample first, then of others, so that a network with a
            fixed batch size does not pass.
        shape: of one sample, for example ``[3, 224, 224]``.
        classes: their names, if the data set has any.
    """

    batches: list[dict]
    shape: tuple[int, ...]
    classes: list[str]

    def __len__(self) -> int:
        return sum(len(batch['inputs']) for batch in self.batches)


def take_samples(cfg: Config) -> Samples:
    """64 samples (or all, if there are fewer), evenly from the validation set.

    Raises:
        UserError: no validation set in the config, no data, or pictures of
            several sizes.
    """
    key = 'val_dataloader' if cfg.get('val_dataloader') else 'test_dataloader'
    if not cfg.get(key):
        raise UserError(
            f'{cfg.filename}: val_dataloader is not set; its samples are needed to '
            'compare the exported student with the trained one'
        )
    check_data(Config({key: cfg[key]}))
    try:
        dataset = built(DATASETS, cfg[key].dataset, cfg)
    except REFUSALS as error:
        explain(error, cfg)
        raise
    last = len(dataset) - 1
    indices = np.unique(np.linspace(0, last, min(NUM_SAMPLES, last + 1)).astype(int))
    samples = [dataset[int(index)] for index in indices]
    shapes = {tuple(sample['inputs'].shape) for sample in samples}
    if len(shapes) > 1:
        raise UserError(
            f'{key}.dataset.pipeline: pictures come out in {len(shapes)} sizes; an '
            'exported network has one: let the pipeline end in a crop or resize'
        )
    starts = [0, 1, *range(1 + _BATCH, len(samples), _BATCH), len(samples)]
    return Samples(
        batches=[
            pseudo_collate(samples[start:end])
            for start, end in zip(starts, starts[1:], strict=False)
            if end > start
        ],
        shape=shapes.pop(),
        classes=named_classes(dataset),
    )


def logits_of_source(source: Source, samples: Samples) -> list[Tensor]:
    """What the trained student says, inside its distiller.

    Raises:
        UserError: no [B, C] logits, or NaN among them.
    """
    answers = [
        logits_of(source.trained, batch, source.preprocessor)
        for batch in samples.batches
    ]
    if not all(answer.isfinite().all() for answer in answers):
        raise UserError(
            f'{source.checkpoint}: the student answers NaN or infinity; name '
            'another: --checkpoint FILE'
        )
    return answers


@dataclass(frozen=True)
class Comparison:
    """How far two networks' logits are apart.

    Attributes:
        absolute: largest difference of a logit.
        relative: the same as a part of the largest logit.
        same_class: samples of which both name the same class.
        num_samples: of all.
    """

    absolute: float
    relative: float
    same_class: int
    num_samples: int

    @property
    def agrees(self) -> bool:
        """False for NaN as well."""
        return self.relative <= TOLERANCE


def compare_answers(
    logits: Logits, samples: Samples, expected: Sequence[Tensor]
) -> Comparison:
    """Compare a network with what another one has said to the same samples."""
    with torch.no_grad():
        found = torch.cat([logits(batch) for batch in samples.batches])
    wanted = torch.cat(list(expected))
    if found.shape != wanted.shape:
        return Comparison(torch.inf, torch.inf, 0, len(wanted))
    absolute = (found - wanted).abs().max()
    return Comparison(
        absolute=float(absolute),
        relative=float(absolute / wanted.abs().max()),
        same_class=int((found.argmax(1) == wanted.argmax(1)).sum()),
        num_samples=len(wanted),
    )
