"""ResidentLoader against torch's loader, and its random crops by their law."""

import mmcv
import numpy as np
import pytest
import torch
from cifar_files import write_cifar10
from mmengine.dataset import (
    DefaultSampler,
    InfiniteSampler,
    RepeatDataset,
    pseudo_collate,
)
from mmpretrain.datasets import CIFAR10, CustomDataset
from mmpretrain.structures import DataSample
from resident_sets import CROP_AND_FLIP, PACK, Marked, digits, draws, loader, ordinary
from scipy.stats import chisquare

from mcmi_plugin.datasets import (
    Digits,
    KeepClasses,
    PseudoLabelled,
    SyntheticGaussian,
)
from mcmi_plugin.fast import ResidentLoader


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


def test_labels_put_in_after_the_iterator_was_made() -> None:
    """As a loop counted in iterations makes it, before the PseudoLabelHook."""
    dataset = PseudoLabelled(digits(), labelled_fraction=0.5)
    ours = loader(dataset, 20)
    batches = iter(ours)
    dataset.set_pseudo_labels(np.full(20, 9))
    for again in (batches, ours):
        (batch,) = again
        expected = dataset.get_gt_labels()[list(ours.sampler)]
        assert batch['data_samples'][0].gt_label.tolist() == expected.tolist()
        dataset.set_pseudo_labels(np.full(20, 8))


class Bare(torch.utils.data.Sampler):
    """Neither a seed nor an epoch."""

    def __init__(self, number: int, **attributes) -> None:
        self.number = number
        vars(self).update(attributes)

    def __iter__(self):
        return iter(range(self.number))

    def __len__(self) -> int:
        return self.number


@pytest.mark.parametrize('attributes', [{}, dict(seed=0), dict(epoch=0), 'stock'])
def test_every_pass_has_crops_of_its_own(attributes) -> None:
    dataset = Marked(50, pipeline=CROP_AND_FLIP)
    if attributes == 'stock':  # whose epoch nobody sets, as in a validation
        sampler = DefaultSampler(dataset, shuffle=False, seed=0)
    else:
        sampler = Bare(50, **attributes)

    def passes() -> list:
        torch.manual_seed(3)
        ours = loader(dataset, sampler=sampler)
        return [draws(torch.cat([b['inputs'] for b in ours])) for _ in range(3)]

    first, second, third = passes()
    assert first != second != third != first
    assert passes() == [first, second, third]  # from the same random state


def test_data_samples_are_those_that_the_pipeline_packs(tmp_path) -> None:
    mmcv.imwrite(np.arange(300, dtype=np.uint8).reshape(10, 10, 3), f'{tmp_path}/0.png')
    (tmp_path / 'all.txt').write_text('0.png 1\n')
    dataset = CustomDataset(
        data_prefix=str(tmp_path),
        ann_file=str(tmp_path / 'all.txt'),
        metainfo=dict(classes=('a', 'b')),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=8),
            dict(type='RandomCrop', crop_size=6, padding=1),
            dict(type='RandomFlip', prob=1.0),
            *PACK,
        ],
    )
    ours = loader(dataset, 1)
    ours.per_sample = True
    ((sample,),) = [batch['data_samples'] for batch in ours]
    expected = dataset[0]['data_samples']
    assert [*sample.metainfo_items()] == [*expected.metainfo_items()]
    assert {'img_path', 'flip', 'ori_shape'} <= {*sample.metainfo_keys()}
    assert torch.equal(sample.gt_label, expected.gt_label)


@pytest.mark.parametrize('workers', [0, 1])
def test_an_ordinary_loader_sees_the_random_numbers_it_always_saw(workers) -> None:
    found = []
    for kind in (ResidentLoader, torch.utils.data.DataLoader):
        dataset = digits(Drawing)
        made = kind(
            *(dataset, 10),
            collate_fn=pseudo_collate,
            sampler=DefaultSampler(dataset, seed=0),
            num_workers=workers,
        )
        torch.manual_seed(0)
        images = [torch.stack(batch['inputs']) for _ in range(2) for batch in made]
        found.append([torch.stack(images), torch.rand(1)])
    assert all(map(torch.equal, *found))


class Drawing(Digits):
    def prepare_data(self, idx: int) -> dict:
        sample = super().prepare_data(idx)
        return {**sample, 'inputs': torch.rand(3)}
