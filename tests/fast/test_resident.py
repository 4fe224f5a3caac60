"""ResidentLoader against torch's loader, and its random crops by their law."""

import re

import mmcv
import numpy as np
import pytest
import torch
from cifar_files import write_cifar10
from devices import on
from mmengine.dataset import (
    ConcatDataset,
    DefaultSampler,
    InfiniteSampler,
    RepeatDataset,
    pseudo_collate,
)
from mmpretrain.datasets import CIFAR10, BaseDataset, CustomDataset
from mmpretrain.structures import DataSample
from scipy.stats import chisquare

from mcmi_plugin.datasets import (
    Digits,
    KeepClasses,
    PseudoLabelled,
    SyntheticGaussian,
)
from mcmi_plugin.fast import ResidentLoader, known
from mcmi_plugin.fast.resident_tensors import _has_room

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


class Inverted(Digits):
    def prepare_data(self, idx: int) -> dict:
        sample = super().prepare_data(idx)
        return {**sample, 'inputs': 255 - sample['inputs']}


class Relabelled(Digits):
    def __getitem__(self, idx: int) -> dict:
        sample = super().__getitem__(idx)
        if idx == 7:
            sample['data_samples'].set_gt_label(3)
        return sample


class Batched(Digits):
    def __getitems__(self, indices: list[int]) -> list[dict]:
        return [self[0] for _ in indices]


class Restless(Digits):
    def get_data_info(self, idx: int) -> dict:
        return {**super().get_data_info(idx), 'gt_label': np.random.randint(10)}


class Plain:
    """Not of mmpretrain's kin, but with all that it has."""

    def __init__(self) -> None:
        self.inner = Digits('train', pipeline=PACK, indices=20)
        self.pipeline = self.inner.pipeline

    def get_data_info(self, idx: int) -> dict:
        return self.inner.get_data_info(idx)

    def __getitem__(self, idx: int) -> dict:
        return self.inner[idx]

    def __len__(self) -> int:
        return 20


RESIZE = dict(type='RandomResizedCrop', scale=8)
REFUSED = {
    'a transform': (lambda: digits(pipeline=[RESIZE, *PACK]), 'RandomResizedCrop'),
    'a wrapper of two': (lambda: ConcatDataset([digits(), digits()]), 'ConcatDataset'),
    'more in a sample': (lambda: digits(Twofold), 'Twofold'),
    'other images': (lambda: digits(Inverted), 'Inverted.*prepare_data'),
    'another label': (lambda: digits(Relabelled), 'Relabelled.*__getitem__'),
    'batches of its own': (lambda: digits(Batched), 'Batched.*__getitems__'),
    'infos of its own': (lambda: digits(Restless), 'Restless.*get_data_info'),
    'in a wrapper': (lambda: RepeatDataset(digits(Inverted), 2), 'Inverted'),
    'a stranger': (Plain, 'Plain.*__getitem__'),
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
        'mcmi_plugin.fast.resident.print_log', lambda text, **_: lines.append(text)
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


def test_samples_are_compared_with_those_made_in_the_ordinary_way(monkeypatch) -> None:
    lines = lines_of(monkeypatch)
    dataset = digits()
    original = BaseDataset.prepare_data
    for change in (
        lambda sample: sample['inputs'].__setitem__(..., 0),
        lambda sample: sample['data_samples'].set_gt_label(11),
        lambda sample: sample['data_samples'].set_field(
            9, 'sample_idx', field_type='metainfo'
        ),
    ):

        def changed(self, idx, change=change):
            sample = original(self, idx)
            if idx == len(self) - 1:  # not the first
                change(sample)
            return sample

        monkeypatch.setitem(known._METHODS, 'prepare_data', (changed,))
        monkeypatch.setattr(Digits, 'prepare_data', changed, raising=False)
        assert counted(loader(dataset, 8, collate_fn=pseudo_collate)) == 20
    assert len(lines) == 3 and all('samples of its own' in line for line in lines)


def test_an_unreadable_image_is_left_out_in_the_ordinary_way(
    monkeypatch, tmp_path
) -> None:
    lines = lines_of(monkeypatch)
    images = np.zeros((2, 8, 8, 3), np.uint8)
    for i, image in enumerate(images):
        mmcv.imwrite(image, str(tmp_path / f'{i}.png'))
    (tmp_path / '1.png').write_bytes(b'')
    (tmp_path / 'all.txt').write_text('0.png 0\n1.png 1\n')
    dataset = CustomDataset(
        data_prefix=str(tmp_path),
        ann_file=str(tmp_path / 'all.txt'),
        metainfo=dict(classes=('a', 'b')),
        pipeline=[dict(type='LoadImageFromFile', ignore_empty=True), *PACK],
    )
    batches = list(loader(dataset, 2, collate_fn=pseudo_collate))
    assert [s.gt_label.item() for s in batches[0]['data_samples']] == [0, 0]
    assert len(lines) == 1 and 'LoadImageFromFile leaves out' in lines[0]


def test_a_collate_fn_of_ones_own_is_called(monkeypatch) -> None:
    lines = lines_of(monkeypatch)
    assert list(loader(digits(), 8, collate_fn=len)) == [8, 8, 4]
    assert len(lines) == 1 and 'collate_fn' in lines[0]


def first_pixels(batches) -> list[int]:
    return torch.cat([batch['inputs'][:, 0, 0, 0] for batch in batches]).tolist()


def test_another_pipeline_is_followed(monkeypatch) -> None:
    lines = lines_of(monkeypatch)
    dataset = Marked(20, pipeline=PACK)
    ours = loader(dataset, 8, collate_fn=pseudo_collate)
    assert first_pixels(ours) == [1] * 20
    flipped = Marked(1, pipeline=[dict(type='RandomFlip', prob=1.0), *PACK]).pipeline
    for pipeline in (flipped, mmcv.transforms.Compose(flipped.transforms)):
        dataset.pipeline = pipeline  # as SwitchRecipeHook does
        assert first_pixels(ours) == [8] * 20
    dataset.pipeline.transforms[0].prob = 0.0
    assert first_pixels(ours) == [1] * 20
    # In the midst of a pass, and one that cannot be kept at that.
    batches = iter(ours)
    monkeypatch.setattr('mcmi_plugin.fast.resident._CHUNK_BYTES', 1)
    assert first_pixels([next(batches)]) == [1] * 8
    vertical = dict(type='RandomFlip', prob=1.0, direction='vertical')
    dataset.pipeline = Marked(1, pipeline=[vertical, *PACK]).pipeline
    rest = [batch['inputs'] for batch in batches]
    assert [len(inputs) for inputs in rest] == [8, 4]
    assert all(image[0, 0, 0] == 57 for inputs in rest for image in inputs)
    assert len(lines) == 1 and 'vertical' in lines[0]


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


@pytest.mark.parametrize('pipeline', [PACK, CROP_AND_FLIP, CROP_AND_FLIP[1:]])
def test_gathered_in_one_go_the_images_are_the_same(pipeline) -> None:
    """As on a GPU."""
    dataset = Marked(70, pipeline=pipeline)
    usual, gathering = (loader(dataset, 16) for _ in range(2))
    gathering._load()
    gathering._tensors._gathers = True
    for one, other in zip(usual, gathering, strict=True):
        assert torch.equal(one['inputs'], other['inputs'])


@pytest.mark.parametrize('per_sample', [False, True])
def test_a_batch_on_a_device_waits_for_nothing(per_sample: bool) -> None:
    dataset = Marked(70, pipeline=CROP_AND_FLIP)
    resident = loader(dataset, 16)
    resident._load()
    resident.per_sample = per_sample
    with on('meta') as place:
        tensors = resident._tensors
        tensors._images, tensors._gathers = place.tensor(tensors._images), True
        batches = list(resident)
    assert [one['inputs'].device.type for one in batches] == ['meta'] * 5
    assert batches[-1]['inputs'].shape == (6, 1, 8, 8)


def test_room_on_the_device_is_asked_for(monkeypatch) -> None:
    free = 4 * 70 * 64
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda device: (free, free))
    gpu = torch.device('cuda', 0)
    assert _has_room(gpu, 70 * 64)
    assert not _has_room(gpu, 70 * 64 + 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('pipeline', [PACK, CROP_AND_FLIP])
def test_on_a_gpu_the_images_are_those_of_the_cpu(pipeline) -> None:
    dataset = Marked(70, pipeline=pipeline)
    usual = loader(dataset, 16)
    resident = loader(dataset, 16, device=torch.device('cuda', 0))
    for one, other in zip(usual, resident, strict=True):
        assert other['inputs'].is_cuda
        assert torch.equal(one['inputs'], other['inputs'].cpu())
