"""Crops and flips of whole batches against mmpretrain's, one image at a time."""

import mmpretrain.datasets.transforms as mm
import numpy as np
import pytest
import torch
from mmcv.transforms import LoadImageFromFile, RandomFlip, RandomResize

from mcmi_plugin.fast.known import NotKept
from mcmi_plugin.fast.resident_transforms import (
    crop,
    flip,
    take_apart,
    windows,
)

PACK = mm.PackInputs()


def test_crop_and_flip_equal_mmpretrains_for_the_same_draws(monkeypatch) -> None:
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (20, 7, 9, 3), np.uint8)
    top, left = random.randint(0, 6, 20), random.randint(0, 7, 20)
    mirrored = random.rand(20) < 0.5
    # left, top, right, bottom; a colour to pad with
    cropping = mm.RandomCrop((6, 8), padding=(2, 1, 3, 3), pad_val=(7, 8, 9))
    flipping = RandomFlip(prob=0.5)
    expected = []
    for i, image in enumerate(images):
        draw = (top[i], left[i], 6, 8)
        monkeypatch.setattr(cropping, 'rand_crop_params', lambda _, d=draw: d)
        direction = 'horizontal' if mirrored[i] else None
        monkeypatch.setattr(flipping, '_choose_direction', lambda d=direction: d)
        results = flipping(cropping(dict(img=image)))
        expected.append(PACK(results)['inputs'])

    plan = take_apart([cropping, flipping, PACK])
    padded = np.empty((20, 3, 7 + 4, 9 + 5), np.uint8)
    padded[:] = np.reshape(plan.fill, (-1, 1, 1))
    before, above = plan.padding[:2]
    padded[:, :, above : above + 7, before : before + 9] = images.transpose(0, 3, 1, 2)
    index, rows, columns = map(torch.from_numpy, (np.arange(20), top, left))
    found = flip(
        crop(windows(padded, plan.crop), index, rows, columns),
        torch.from_numpy(mirrored),
    )
    assert torch.equal(found, torch.stack(expected))


@pytest.mark.parametrize(
    ('padding', 'four'),
    [(None, (0,) * 4), (4, (4,) * 4), ((1, 2), (1, 2, 1, 2)), ((1, 2, 3, 4),) * 2],
)
def test_padding_as_it_is_written(padding, four) -> None:
    assert take_apart([mm.RandomCrop(8, padding=padding), PACK]).padding == four


def test_what_is_taken_apart() -> None:
    load = LoadImageFromFile()
    plan = take_apart([load, mm.RandomCrop(8), RandomFlip(0.3), PACK])
    assert plan.fixed == [load] and plan.crop == (8, 8) and plan.flip_prob == 0.3
    assert 'sample_idx' in plan.meta_keys
    plan = take_apart([mm.PackInputs(meta_keys=('img_path',))])
    assert plan.crop is None and plan.flip_prob == 0 and plan.meta_keys == ('img_path',)


class MyCrop(mm.RandomCrop):
    """A user's own, which may do anything."""


@pytest.mark.parametrize(
    ('transforms', 'named'),
    [
        ([RandomResize((8, 8)), PACK], 'RandomResize'),
        ([MyCrop(8), PACK], 'MyCrop'),
        ([mm.RandomCrop(8, pad_if_needed=True), PACK], 'pad_if_needed=True'),
        ([RandomFlip(0.5), mm.RandomCrop(8), PACK], 'RandomCrop'),
        ([RandomFlip(0.5, direction='vertical'), PACK], 'RandomFlip'),
        ([RandomFlip([0.5], direction=['horizontal']), PACK], 'RandomFlip'),
        ([mm.PackInputs(algorithm_keys=['mask'])], 'PackInputs'),
        ([PACK, RandomFlip(0.5)], 'RandomFlip'),
        ([], 'no PackInputs'),
    ],
)
def test_what_is_not(transforms: list, named: str) -> None:
    with pytest.raises(NotKept, match=named):
        take_apart(transforms)
