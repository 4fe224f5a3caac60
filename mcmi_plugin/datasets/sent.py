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
        one = DataSample().set_gt_label(labels.to(device, non_blocking=True))
        for key in (key for key in _INDICES if all(key in s for s in samples)):
            found = [torch.as_tensor(s.get(key)).reshape(-1) for s in samples]
            one.set_field(torch.cat(found), key, field_type='metainfo')
        if (rows := rows_in(samples)) is not None:
            rows = rows.to(device, non_blocking=True)
            one.set_field(rows, ROWS, field_type='metainfo')
        batch['data_samples'] = [one]
    return batch


def _have_class_ids(samples: Sequence[Any]) -> bool:
    return len(samples) > 0 and all(
        isinstance(sample, DataSample)
        and sample.keys() == ['gt_label']
        and (len(samples) == 1 or sample.gt_label.numel() == 1)
        for sample in samples
    )
