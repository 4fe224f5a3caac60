"""A batch on its way to a device, which nobody waits for."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.structures import DataSample
from torch import Tensor

# What of a sample's metainfo is a number of its own.
_INDICES = ('sample_idx', 'view_idx')
# Of the first sample of a batch: what a teacher answers for all of them, [B, D].
ROWS = 'teacher_rows'


def rows_in(data_samples: Any) -> Tensor | None:
    """The answers of a teacher that a batch brings with it."""
    samples = data_samples if isinstance(data_samples, (list, tuple)) else ()
    first = samples[0] if samples else None
    return first.get(ROWS) if isinstance(first, DataSample) else None


def joined_sample(gt_label: Tensor, **fields: Any) -> DataSample:
    """One data sample for a batch: its labels [B], and what is given as metainfo."""
    sample = DataSample().set_gt_label(gt_label)
    for key, value in fields.items():
        sample.set_field(value, key, field_type='metainfo')
    return sample


def sent(batch: dict, device: torch.device, join: bool) -> dict:
    """The same batch with images and labels on the device, or on their way there.

    mmengine's preprocessors copy images and labels one after the other and wait for
    each copy. Memory is given free when the copy is done, not before, pinned or not.

    Args:
        batch: from a loader; nothing in it is changed.
        device: where it goes; on the CPU it stays as it is.
        join: also make one data sample of those of a batch that have a class id and
            no more. Whoever looks at single ones must not be in the step.
    """
    if device.type == 'cpu':
        return batch
    batch = dict(batch)
    if isinstance(batch.get('inputs'), Tensor):
        batch['inputs'] = batch['inputs'].to(device, non_blocking=True)
    samples = batch.get('data_samples') or ()
    if (join or len(samples) == 1) and _have_class_ids(samples):
        labels = torch.cat([sample.gt_label for sample in samples])
        fields = {}
        for key in (key for key in _INDICES if all(key in s for s in samples)):
            found = [torch.as_tensor(s.get(key)).reshape(-1) for s in samples]
            fields[key] = torch.cat(found)
        if (rows := rows_in(samples)) is not None:
            fields[ROWS] = rows.to(device, non_blocking=True)
        labels = labels.to(device, non_blocking=True)
        batch['data_samples'] = [joined_sample(labels, **fields)]
    return batch


def _have_class_ids(samples: Sequence[Any]) -> bool:
    return len(samples) > 0 and all(
        isinstance(sample, DataSample)
        and sample.keys() == ['gt_label']
        and (len(samples) == 1 or sample.gt_label.numel() == 1)
        for sample in samples
    )
