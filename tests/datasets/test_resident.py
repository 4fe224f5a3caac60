"""ResidentLoader against torch's loader, and its random crops by their law."""

import re

import numpy as np
import pytest
import torch
from cifar_files import write_cifar10
from mmengine.dataset import (
    ConcatDataset,
    DefaultSampler,
    InfiniteSampler,
    RepeatDataset,
    pseudo_collate,
)
from mmpretrain.datasets import CIFAR10, BaseDataset
from mmpretrain.structures import DataSample
from scipy.stats import chisquare

from mcmi_plugin.datasets import Digits, KeepClasses, ResidentLoader, SyntheticGaussian

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


def assert_same_batches(ours: ResidentLoader, theirs) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one['inputs'].dtype == other['inputs'].dtype
        assert torch.equal(one['inputs'], other['inputs'])
        (sample,) = one['data_samples']
        expected = other['data_samples']
        assert torch.equal(
            sample.gt_label, torch.cat([sample.gt_label for sample in expected])
        )
        assert sample.sample_idx.tolist() == [s.sample_idx for s in expected]
    assert ours._tensors is not None


def datasets() -> dict:
    digits = Digits('train', pipeline=PACK, indices=101)
    return dict(
        digits=digits,
        vectors=SyntheticGaussian('train', num_train=101, pipeline=PACK),
        wrapped=KeepClasses(digits, classes=['3', '7']),
        repeated=RepeatDataset(digits, 2),
        grey=Marked(101, pipeline=PACK),
        centre=Digits(
            'train',
            pipeline=[dict(type='CenterCrop', crop_size=(4, 6)), *PACK],
            indices=101,
        ),
    )


@pytest.mark.parametrize('drop_last', [False, True])
@pytest.mark.parametrize('name', datasets())
def test_the_same_batches_in_the_same_order(name: str, drop_last: bool) -> None:
    dataset = datasets()[name]
    sampler = DefaultSampler(dataset, seed=3)
    ours = loader(dataset, sampler=sampler, drop_last=drop_last)
    theirs = ordinary(dataset, sampler, 32, drop_last=drop_last)
    for epoch in (0, 1):
        sampler.set_epoch(epoch)
        assert_same_batches(ours, theirs)


def test_cifar_from_its_files(tmp_path) -> None:
    write_cifar10(tmp_path)
    dataset = CIFAR10(str(tmp_path), pipeline=PACK)
    sampler = DefaultSampler(dataset, seed=3)
    assert_same_batches(
        loader(dataset, 4, sampler=sampler), ordinary(dataset, sampler, 4)
    )


def test_endless_sampler() -> None:
    dataset = Digits('train', pipeline=PACK, indices=10)
    batches = iter(loader(dataset, 4, sampler=InfiniteSampler(dataset, seed=0)))
    twenty = [next(batches)['data_samples'][0].sample_idx for _ in range(5)]
    first, second = torch.cat(twenty).split(10)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(10))
    assert first.tolist() != second.tolist()


def test_law_of_crops_and_flips() -> None:
    ours = loader(Marked(8100, pipeline=CROP_AND_FLIP), 64)
    drawn = []
    for epoch in (0, 1):
        ours.sampler.set_epoch(epoch)
        drawn.append(draws(torch.cat([batch['inputs'] for batch in ours])))
    assert drawn[0] != drawn[1]
    top, left, mirrored = np.array(drawn[0] + drawn[1]).T
    # All 162 outcomes are equally likely, and one image's do not tell the next's.
    outcome = (9 * top + left) * 2 + mirrored
    assert chisquare(np.bincount(outcome, minlength=162)).pvalue > 1e-3
    for quantity, values in ((top, 9), (left, 9), (mirrored, 2)):
        pairs = quantity[:-1] * values + quantity[1:]
        assert chisquare(np.bincount(pairs, minlength=values**2)).pvalue > 1e-3


def test_flip_probability() -> None:
    pipeline = [dict(type='RandomFlip', prob=0.2), *PACK]
    batches = list(loader(Marked(5000, pipeline=pipeline), 500))
    corner = torch.cat([batch['inputs'][:, 0, 0, 0] for batch in batches])
    share = (corner == 8).double().mean()
    assert set(corner.tolist()) == {1, 8}
    assert abs(share - 0.2) < 4 * (0.2 * 0.8 / 5000) ** 0.5


def test_randomness_is_of_seed_epoch_and_position_alone() -> None:
    dataset = Marked(200, pipeline=CROP_AND_FLIP)

    def epoch(number: int, seed: int = 0) -> torch.Tensor:
        fresh = loader(dataset, seed=seed)  # as a resumed run makes it
        fresh.sampler.set_epoch(number)
        torch.rand(number + 5)  # whatever else the run has drawn
        np.random.rand(3)
        return torch.cat([batch['inputs'] for batch in fresh])

    through = loader(dataset)
    for number in range(3):
        through.sampler.set_epoch(number)
        last = torch.cat([batch['inputs'] for batch in through])
    assert torch.equal(last, epoch(2))
    assert not torch.equal(last, epoch(1))
    assert not torch.equal(last, epoch(2, seed=1))


def test_torchs_own_random_numbers_are_used_as_torchs_loader_does() -> None:
    dataset = Digits('train', pipeline=PACK, indices=40)
    states = []
    for kind in (loader, ordinary):
        torch.manual_seed(0)
        np.random.seed(0)
        made = kind(dataset, batch_size=8, sampler=DefaultSampler(dataset, seed=0))
        for _ in range(2):
            list(made)
        states.append((torch.rand(1).item(), np.random.rand()))
    assert states[0] == states[1]


def test_numpys_random_numbers_are_left_alone() -> None:
    ours = loader(Marked(20, pipeline=CROP_AND_FLIP), 8)
    np.random.seed(0)
    expected = np.random.RandomState(0).rand()
    list(ours)
    assert np.random.rand() == expected


def test_one_data_sample_each_where_asked() -> None:
    dataset = Digits('train', pipeline=PACK, indices=10)
    ours = loader(dataset, 4)
    together = list(ours)
    ours.per_sample = True
    for batch, whole in zip(ours, together, strict=True):
        (expected,) = whole['data_samples']
        samples = batch['data_samples']
        assert all(isinstance(sample, DataSample) for sample in samples)
        assert torch.equal(torch.cat([s.gt_label for s in samples]), expected.gt_label)
        assert [s.sample_idx for s in samples] == expected.sample_idx.tolist()


class Twofold(Digits):
    """Every sample has a field that its info has not."""

    def prepare_data(self, idx: int) -> dict:
        sample = super().prepare_data(idx)
        sample['data_samples'].set_field(torch.zeros(3), 'partner')
        return sample


class Uneven(Digits):
    def load_data_list(self) -> list[dict]:
        data = super().load_data_list()
        data[5]['img'] = data[5]['img'][:6]
        return data


class SoftLabels(Digits):
    def load_data_list(self) -> list[dict]:
        return [
            dict(img=d['img'], gt_score=np.ones(10)) for d in super().load_data_list()
        ]


def digits(kind: type = Digits, pipeline=PACK, number: int = 20):
    return kind('train', pipeline=pipeline, indices=number)


RESIZE = dict(type='RandomResizedCrop', scale=8)
REFUSED = {
    'a transform': (lambda: digits(pipeline=[RESIZE, *PACK]), 'RandomResizedCrop'),
    'a wrapper of two': (lambda: ConcatDataset([digits(), digits()]), 'ConcatDataset'),
    'more in a sample': (lambda: digits(Twofold), 'Twofold'),
    'no class id': (lambda: digits(SoftLabels), 'gt_label=None|SoftLabels'),
    'a crop too large': (
        lambda: digits(pipeline=[dict(type='RandomCrop', crop_size=9), *PACK]),
        'a crop of',
    ),
}


def counted(batches) -> int:
    return sum(len(batch['inputs']) for batch in batches)


def lines_of(monkeypatch) -> list[str]:
    lines = []
    monkeypatch.setattr(
        'mcmi_plugin.datasets.resident.print_log', lambda text, **_: lines.append(text)
    )
    return lines


@pytest.mark.parametrize('name', REFUSED)
def test_an_ordinary_loader_takes_over(name: str, monkeypatch) -> None:
    make, reason = REFUSED[name]
    lines = lines_of(monkeypatch)
    ours = loader(make(), 8, collate_fn=pseudo_collate)
    assert counted(ours) == counted(ours) == len(ours.dataset)
    (line,) = lines
    assert re.search(reason, line) and '\n' not in line


def test_images_of_several_sizes(monkeypatch) -> None:
    lines = lines_of(monkeypatch)
    assert counted(loader(digits(Uneven), 8, collate_fn=pseudo_collate)) == 20
    assert len(lines) == 1 and 'several sizes' in lines[0]


def test_memory_budget(monkeypatch) -> None:
    lines = lines_of(monkeypatch)
    pipeline = CROP_AND_FLIP
    needed = 20 * 3 * 16 * 16  # with the padding
    kept = loader(digits(pipeline=pipeline), 8, memory_budget=needed)
    assert {batch['inputs'].shape[1:] for batch in kept} == {(3, 8, 8)} and not lines
    tight = loader(
        *(digits(pipeline=pipeline), 8),
        memory_budget=needed - 1,
        collate_fn=pseudo_collate,
    )
    assert counted(tight) == 20
    assert len(lines) == 1 and 'memory_budget=15359' in lines[0]
