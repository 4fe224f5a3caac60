"""Data sets and transforms that are known, so that it is known what they do.

A list of what is safe, not of what is not: whoever writes a data set or a transform
of his own may do anything in it.
"""

from collections.abc import Sequence
from typing import Any

import mmcv.transforms
from mmcv.transforms import LoadImageFromFile, Resize
from mmengine.dataset import (
    BaseDataset,
    ClassBalancedDataset,
    Compose,
    RepeatDataset,
)
from mmpretrain.datasets import KFoldDataset
from mmpretrain.datasets.transforms import CenterCrop, PackInputs, ResizeEdge

from mcmi_plugin.datasets.pseudo_labelled import PseudoLabelled
from mcmi_plugin.datasets.subset import Subset, pipeline_of, unwrapped
from mcmi_plugin.errors import UserError

# The same for an image every time.
FIXED = (LoadImageFromFile, Resize, ResizeEdge, CenterCrop)
# A sample is what the pipeline makes of its info, and the info is always the same.
_WRAPPERS = (RepeatDataset, ClassBalancedDataset, KFoldDataset, Subset)
_METHODS: dict[str, tuple] = {
    '__getitem__': tuple(kind.__getitem__ for kind in (BaseDataset, *_WRAPPERS)),
    '__getitems__': (),  # which torch's loader would ask first
    'prepare_data': (BaseDataset.prepare_data,),
    'get_data_info': tuple(
        kind.get_data_info for kind in (BaseDataset, *_WRAPPERS, PseudoLabelled)
    ),
}
# Their hooks read no data samples in a training iteration, and change none.
_PACKAGES = ('mmengine', 'mmpretrain', 'mmrazor', 'mcmi_plugin')
_COMPOSES = (Compose, mmcv.transforms.Compose)


class NotKept(UserError):
    """The reason, in words, why samples, or a teacher's outputs, cannot be kept."""


def of_known_package(part: Any) -> bool:
    """Whether its class is OpenMMLab's or ours."""
    return type(part).__module__.partition('.')[0] in _PACKAGES


def why_unknown(dataset: Any) -> str:
    """What about a data set may change its samples unseen; empty if nothing does.

    Its ``load_data_list``, and all else that runs once, may be anything.
    """
    for part in unwrapped(dataset):
        name = type(part).__name__
        if not hasattr(part, 'get_data_info'):
            return f'{name}, which has no get_data_info'
        for method, known in _METHODS.items():
            found = getattr(part, method, None)
            if found is not None and getattr(found, '__func__', None) not in known:
                return f'{name}, whose {method} is its own'
    pipeline = pipeline_of(dataset)
    if type(pipeline) not in _COMPOSES:
        return f'{type(dataset).__name__} with a pipeline of {type(pipeline).__name__}'
    return ''


def always_gives_the_same(dataset: Any) -> bool:
    """Whether a sample of the data set is the same every time it is asked for."""
    return not why_unknown(dataset) and all(
        type(transform) in (*FIXED, PackInputs)
        for transform in pipeline_of(dataset).transforms
    )


def contents(dataset: Any) -> Sequence[Any]:
    """What of a known data set may be changed from outside, to be compared.

    Hooks put another pipeline into it (SwitchRecipeHook) or new labels
    (PseudoLabelHook).
    """
    labels = [
        p.get_gt_labels().tobytes() for p in unwrapped(dataset) if isinstance(p, Subset)
    ]
    transforms = pipeline_of(dataset).transforms
    return [len(dataset), labels, [(id(t), repr(t)) for t in transforms]]
