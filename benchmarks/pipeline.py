"""Random crops and flips of CIFAR images, normalised, from memory.

Ours is ``ResidentLoader`` and then mmpretrain's data preprocessor, where it
normalises. The baseline is torchvision's usual chain (RandomCrop, RandomHorizontalFlip,
ToTensor, Normalize) in a ``DataLoader``, with 0 workers or 1: whichever is faster.
Both end in normalised float32 batches of 64.
"""

import time
from collections.abc import Iterator

import torch
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATASETS, MODELS
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.harness import Contest, Difference
from benchmarks.images import random_images
from mcmi_plugin.fast.resident import ResidentLoader

PADDING = 4
MEAN, STD = (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)
PIPELINE = [
    dict(type='RandomCrop', crop_size=32, padding=PADDING),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]


def contests(number: int = 10_000, batch_size: int = 64) -> Iterator[Contest]:
    """An epoch of so many images."""
    images, labels = random_images(number)
    loader = resident_loader(number, batch_size)
    normalise = MODELS.build(
        dict(
            type='mmpretrain.ClsDataPreprocessor',
            mean=[255 * mean for mean in MEAN],
            std=[255 * std for std in STD],
            to_rgb=False,
        )
    )

    def ours() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in loader:
            batch = normalise(batch, training=True)
            yield batch['inputs'], batch['data_samples'][0].gt_label

    torchvision = [
        DataLoader(
            TorchvisionImages(images, labels),
            batch_size,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        for workers in (0, 1)
    ]

    def check() -> None:
        in_order = resident_loader(number, batch_size, shuffle=False)
        batches = [normalise(batch, training=True) for batch in in_order]
        require_crops_and_flips(
            torch.cat([batch['inputs'] for batch in batches]), images
        )
        found = torch.cat([batch['data_samples'][0].gt_label for batch in batches])
        if not torch.equal(found, labels):
            raise Difference('labels: ours are not those of the images')
        baseline = [TorchvisionImages(images, labels)[i][0] for i in range(64)]
        require_crops_and_flips(torch.stack(baseline), images[:64])

    fastest = min(torchvision, key=_second_epoch)
    yield Contest(
        'pipeline',
        lambda: exhaust(ours()),
        lambda: exhaust(fastest),
        check,
        ours_is='ResidentLoader and data preprocessor',
        baseline_is=f'torchvision and DataLoader, {fastest.num_workers} worker(s)',
        rounds=9,
        units=number,
        unit='image',
    )


def resident_loader(number: int, batch_size: int, shuffle: bool = True):
    """Ours, over random images."""
    images = dict(type='RandomImages', number=number, pipeline=PIPELINE)
    dataset = DATASETS.build(dict(_scope_='mmpretrain', **images))
    sampler = DefaultSampler(dataset, shuffle=shuffle, seed=0)
    return ResidentLoader(dataset, batch_size, sampler=sampler)


class TorchvisionImages(Dataset):
    """The baseline's data set, as torchvision's CIFAR100 is: PIL images, made anew."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
        self.labels = labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, padding=PADDING),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.pixels[index]), self.labels[index]

    def __len__(self) -> int:
        return len(self.pixels)


def require_crops_and_flips(batch: Tensor, images: Tensor) -> None:
    """Every image of a batch is one of the 162 crops and flips of its original.

    Args:
        batch: [N, 3, 32, 32] normalised.
        images: [N, 3, 32, 32] uint8, the originals in the same order.

    Raises:
        Difference: some image is none of them.
    """
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (MEAN, STD))
    pixels = (batch * std + mean).mul(255).round().to(torch.uint8)
    padded = torch.nn.functional.pad(images, [PADDING] * 4)
    explained = torch.zeros(len(images), dtype=torch.bool)
    for top in range(2 * PADDING + 1):
        for left in range(2 * PADDING + 1):
            crop = padded[:, :, top : top + 32, left : left + 32]
            for view in (crop, crop.flip(3)):
                explained |= (view == pixels).flatten(1).all(1)
    if not explained.all():
        raise Difference(
            f'{int((~explained).sum())} of {len(images)} images are no crop or flip of '
            'their original'
        )


def exhaust(batches) -> None:
    """Take all batches and do nothing with them."""
    for _ in batches:
        pass


def _second_epoch(loader: DataLoader) -> float:
    exhaust(loader)  # starts the worker
    start = time.perf_counter()
    exhaust(loader)
    return time.perf_counter() - start
