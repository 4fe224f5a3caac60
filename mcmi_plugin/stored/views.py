"""Which views of an image a pipeline makes, if they can be counted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmcv.transforms import RandomFlip
from mmengine.dataset import ClassBalancedDataset, RepeatDataset
from mmpretrain.datasets import KFoldDataset
from mmpretrain.datasets.transforms import PackInputs, RandomCrop, RandomResizedCrop
from torch import Tensor

from mcmi_plugin.datasets import recorded
from mcmi_plugin.datasets.subset import pipeline_of
from mcmi_plugin.fast.known import NotKept, why_unknown
from mcmi_plugin.fast.resident_tensors import padded, sample_of
from mcmi_plugin.fast.resident_transforms import Plan, take_apart

# More would not be met twice in a training, and are not worth a table.
_MOST = 1000
_REPEATING = (RepeatDataset, ClassBalancedDataset, KFoldDataset)
_RECORDED = {
    RandomCrop: recorded.RecordedCrop,
    RandomFlip: recorded.RecordedFlip,
    PackInputs: recorded.RecordedPack,
    RandomResizedCrop: recorded.CountedCrop,
}


@dataclass(frozen=True)
class Views:
    """The views of a data set's images.

    Attributes:
        number: of each image.
        described: what they are, plain values; for the identity of a store.
        seed: of views that are drawn beforehand; None of crops that can be counted.
    """

    number: int
    described: dict
    seed: int | None = None


def images_of(dataset: Any) -> Any:
    """The data set that ``sample_idx`` counts in."""
    while type(dataset) in _REPEATING:
        dataset = dataset.dataset
    return dataset


def views_of(dataset: Any, number: int | None = None, seed: int = 0) -> Views:
    """The views that a data set's pipeline makes of each image.

    Args:
        dataset: built; of its pipeline [fixed ..., crop, flip, PackInputs] may be.
        number: of views of each image, for random resized crops; None: those of
            fresh crops cannot be counted.
        seed: of such views.

    Raises:
        NotKept: they cannot be counted.
    """
    if reason := why_unknown(dataset):
        raise NotKept(reason)
    transforms = list(pipeline_of(dataset).transforms)
    resized = any(type(transform) in _RESIZED for transform in transforms)
    found = (_counted if resized else _finite)(dataset, transforms, number, seed)
    if found.number > _MOST:
        raise NotKept(f'{found.number} views of an image, more than {_MOST}')
    return found


def record_views(pipeline: Any, views: Views) -> None:
    """Let every data sample of a pipeline tell its view, before there is a first one.

    The transforms stay the same objects; only a random resized crop, and a flip behind
    it, draw otherwise.
    """
    for transform in pipeline.transforms:
        kind: Any = _RECORDED.get(type(transform), type(transform))
        if kind is recorded.RecordedFlip and views.seed is not None:
            kind = recorded.CountedFlip
        transform.__class__ = kind
        if kind in (recorded.CountedCrop, recorded.CountedFlip):
            transform.views, transform.seed = views.number, views.seed
        elif kind is recorded.RecordedCrop:
            transform.places = tuple(views.described['places'])
            transform.below = 1 + views.described['flips']
        elif kind is recorded.RecordedPack:
            keys = dict.fromkeys((*transform.meta_keys, 'sample_idx', recorded.KEY))
            transform.meta_keys = tuple(keys)


_RESIZED = (RandomResizedCrop, recorded.CountedCrop)


def _finite(dataset: Any, transforms: list, number: int | None, seed: int) -> Views:
    plan = take_apart(transforms)
    if number is not None:
        raise NotKept(
            f'teacher_store.views={number} chosen views: they are for random resized '
            'crops; leave it out'
        )
    places = _places(dataset, plan)
    described = dict(
        fixed=_words(plan.fixed),
        places=list(places),
        crop=plan.crop and list(plan.crop),
        padding=list(plan.padding),
        fill=plan.fill if isinstance(plan.fill, (int, float)) else list(plan.fill),
        flips=plan.flips,
    )
    return Views(places[0] * places[1] * (1 + plan.flips), described)


def _places(dataset: Any, plan: Plan) -> tuple[int, int]:
    if plan.crop is None:
        return 1, 1
    image, _ = sample_of(dataset, 0, plan)
    (_, height, width), _ = padded(image.shape, plan)
    return height - plan.crop[0] + 1, width - plan.crop[1] + 1


def _counted(dataset: Any, transforms: list, number: int | None, seed: int) -> Views:
    if number is None:
        raise NotKept(
            'random resized crops, which are new in every epoch (teacher_store.views='
            '50 draws one of 50 instead)'
        )
    place = next(i for i, t in enumerate(transforms) if type(t) in _RESIZED)
    crop = transforms[place]
    after = [t for t in transforms[place + 1 :] if type(t) is not recorded.CountedFlip]
    plan = take_apart([*transforms[:place], *after])
    if plan.crop is not None:
        raise NotKept('two crops')
    flips = [t for t in transforms[place + 1 :] if isinstance(t, RandomFlip)]
    described = dict(
        fixed=_words(plan.fixed),
        crop=RandomResizedCrop.__repr__(crop).partition('(')[2],
        flips=[flip.prob for flip in flips],
        views=number,
        seed=seed,
    )
    return Views(number, described, seed)


def _words(transforms: list) -> list[str]:
    return [repr(transform).replace('\n', ' ') for transform in transforms]


def seen(data_samples: Any) -> tuple[Tensor, Tensor] | None:
    """Which image and which view each sample of a batch is, [B] int64 each.

    Args:
        data_samples: one a sample, or one for all.

    Returns:
        None where a sample does not tell. A view below 0 is one that was not counted.
    """
    columns = []
    for key in ('sample_idx', recorded.KEY):
        values = [sample.get(key) for sample in data_samples or ()]
        if len(values) == 1 and isinstance(values[0], Tensor):
            columns.append(values[0].cpu())
        elif values and all(isinstance(v, (int, np.integer)) for v in values):
            columns.append(torch.tensor(values))
        else:
            return None
    return columns[0], columns[1]
