"""Small data sets of images for the tests of ResidentLoader."""

import numpy as np
import torch
from mmengine.dataset import (
    DefaultSampler,
)
from mmpretrain.datasets import BaseDataset

from mcmi_plugin.datasets import (
    Digits,
)
from mcmi_plugin.fast import ResidentLoader

PACK = [dict(type='PackInputs')]


CROP_AND_FLIP = [
    dict(type='RandomCrop', crop_size=8, padding=4),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    *PACK,
]


class Marked(BaseDataset):
    """Images of 8 x 8 pixels that say where they are: 1 to 64, the padding is 0."""

    def __init__(self, number: int, **kwargs) -> None:
        self.number = number
        super().__init__(ann_file='', **kwargs)

    def load_data_list(self) -> list[dict]:
        image = np.arange(1, 65, dtype=np.uint8).reshape(8, 8, 1)
        return [dict(img=image, gt_label=i % 10) for i in range(self.number)]


def loader(dataset, batch_size: int = 32, seed: int = 0, **kwargs) -> ResidentLoader:
    sampler = kwargs.pop('sampler', None) or DefaultSampler(dataset, seed=seed)
    return ResidentLoader(dataset, batch_size, sampler=sampler, **kwargs)


def draws(images: torch.Tensor) -> list[tuple[int, int, bool]]:
    """Top, left and flip of crops of ``Marked`` images, [N, 1, 8, 8]."""
    image = np.arange(1, 65, dtype=np.uint8).reshape(8, 8)
    padded = np.pad(image, 4)
    known = {}
    for top in range(9):
        for left in range(9):
            view = padded[top : top + 8, left : left + 8]
            known[view.tobytes()] = top, left, False
            known[view[:, ::-1].tobytes()] = top, left, True
    return [known[one.tobytes()] for one in images[:, 0].numpy()]


def ordinary(
    dataset, sampler, batch_size: int, **kwargs
) -> torch.utils.data.DataLoader:
    def collate(samples: list[dict]) -> dict:
        return dict(
            inputs=torch.stack([sample['inputs'] for sample in samples]),
            data_samples=[sample['data_samples'] for sample in samples],
        )

    return torch.utils.data.DataLoader(
        dataset, batch_size, sampler=sampler, collate_fn=collate, **kwargs
    )


def digits(kind: type = Digits, pipeline=PACK, number: int = 20):
    return kind('train', pipeline=pipeline, indices=number)
