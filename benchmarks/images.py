"""Random images, as tensors, as a data set of mmpretrain's, and as a batch."""

import torch
from mmengine.registry import DATASETS
from mmpretrain.datasets import BaseDataset
from mmpretrain.structures import DataSample
from torch import Tensor


def random_images(number: int, size: int = 32, classes: int = 100) -> tuple:
    """uint8 [N, 3, size, size] and int64 labels [N]; the same in every run."""
    generator = torch.Generator().manual_seed(0)
    shape = (number, 3, size, size)
    images = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    return images, torch.randint(classes, (number,), generator=generator)


@DATASETS.register_module()
class RandomImages(BaseDataset):
    """:func:`random_images` in mmpretrain's form, ``img`` [H, W, 3]."""

    def __init__(self, number: int, size: int = 32, classes: int = 100, **kwargs):
        self.arguments = number, size, classes
        super().__init__(ann_file='', **kwargs)

    def load_data_list(self) -> list[dict]:
        images, labels = random_images(*self.arguments)
        pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
        return [
            dict(img=image, gt_label=label)
            for image, label in zip(pixels, labels.tolist(), strict=True)
        ]


def whole_batch(images: Tensor, labels: Tensor) -> dict:
    """A batch as ``ResidentLoader`` gives it: one data sample with all labels."""
    return dict(inputs=images, data_samples=[DataSample().set_gt_label(labels)])
