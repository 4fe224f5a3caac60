"""How large the pictures are that a config's networks are trained on."""

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope

from ..datasets.configs import innermost
from ..errors import UserError, one_line
from ..networks import scope_of
from ..type_names import short_name

# (height, width, channels) of what these hold; a pipeline need not say it.
_RAW = {
    'CIFAR10': (32, 32, 3),
    'CIFAR100': (32, 32, 3),
    'MNIST': (28, 28, 1),
    'FashionMNIST': (28, 28, 1),
}
_SOME_PICTURES = ((300, 400, 3), (500, 350, 3))


def input_shape(cfg: Config) -> tuple[int, ...]:
    """Shape of one sample as the training pipeline gives it, without the batch.

    Blank pictures of two sizes go through the pipeline, so no data are needed. If
    they come out in two sizes, the size is that of the data, and the first sample
    is looked at.

    Raises:
        UserError: neither tells; ``--shape`` does.
    """
    loader = cfg.get('train_dataloader') or cfg.get('val_dataloader') or {}
    dataset = loader.get('dataset') or {}
    with DefaultScope.overwrite_default_scope(scope_of(cfg)):
        try:
            shapes = _of_blank_pictures(innermost(dataset))
        except Exception:  # transforms want more than a picture and a label
            shapes = set()
        if len(shapes) == 1:
            return shapes.pop()
        try:
            return tuple(DATASETS.build(dataset)[0]['inputs'].shape)
        except Exception as error:  # no data, or no such data set
            raise UserError(
                'train_dataloader.dataset: the size of its pictures is not known '
                f'({one_line(error, 120)}); give it: --shape 3,224,224'
            ) from error


def _of_blank_pictures(dataset: dict) -> set[tuple[int, ...]]:
    steps = dataset.get('pipeline') or []
    kinds = [short_name(step['type']) for step in steps]
    kind = short_name(dataset.get('type'))
    if not kinds or ('LoadImageFromFile' not in kinds and kind not in _RAW):
        return set()  # samples that may be no pictures at all
    pipeline = Compose(
        [
            TRANSFORMS.build(step)
            for step, name in zip(steps, kinds, strict=True)
            if name != 'LoadImageFromFile'
        ]
    )
    shapes = set()
    for size in [_RAW[kind]] if kind in _RAW else _SOME_PICTURES:
        picture = np.zeros(size, np.uint8)
        sample = dict(
            img=picture,
            img_shape=size[:2],
            ori_shape=size[:2],
            gt_label=0,
            sample_idx=0,
        )
        shapes.add(tuple(pipeline(sample)['inputs'].shape))
    return shapes
