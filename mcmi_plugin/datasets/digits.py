"""Scikit-learn's handwritten digits as an image data set: real, and no download."""

import numpy as np
from mmengine.registry import DATASETS
from mmpretrain.datasets import BaseDataset
from sklearn.datasets import load_digits

from mcmi_plugin.errors import UserError

NUM_TRAIN = 1000


@DATASETS.register_module()
class Digits(BaseDataset):
    """1,797 digits of 8 x 8 pixels: 1,000 to train on, 797 to test on.

    Every image is uint8 [8, 8, 3], grey, 0 to 255, as a decoded file would be,
    so that any image pipeline takes it. The order is shuffled once and for all,
    because the original goes writer by writer.

    Args:
        split: ``'train'`` or ``'test'``.
        **kwargs: as for mmpretrain's ``BaseDataset``, for example ``pipeline``.

    Raises:
        UserError: another split.
    """

    METAINFO = {'classes': tuple(str(digit) for digit in range(10))}

    def __init__(self, split: str, **kwargs) -> None:
        if split not in ('train', 'test'):
            raise UserError(f"Digits: split={split!r}; it has 'train' and 'test'")
        self.split = split
        # mmengine's serialisation collects garbage twice, for a few small arrays.
        kwargs.setdefault('serialize_data', False)
        super().__init__(ann_file='', **kwargs)

    def load_data_list(self) -> list[dict]:
        digits = load_digits()
        order = np.random.RandomState(0).permutation(len(digits.target))
        part = order[:NUM_TRAIN] if self.split == 'train' else order[NUM_TRAIN:]
        grey = np.rint(digits.images[part] * (255 / 16)).astype(np.uint8)
        images = np.repeat(grey[..., None], 3, axis=-1)
        return [
            dict(img=image, gt_label=int(label))
            for image, label in zip(images, digits.target[part], strict=True)
        ]
