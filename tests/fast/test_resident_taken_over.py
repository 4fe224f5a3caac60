"""Where samples cannot be kept, an ordinary loader takes over, and says why."""

import re

import mmcv
import numpy as np
import pytest
import torch
from mmengine.dataset import (
    ConcatDataset,
    RepeatDataset,
    pseudo_collate,
)
from mmpretrain.datasets import BaseDataset, CustomDataset
from resident_sets import CROP_AND_FLIP, PACK, Marked, digits, loader

from mcmi_plugin.datasets import (
    Digits,
)
from mcmi_plugin.fast import known


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
        'mcmi_plugin.fast.resident.log_warning', lambda text: lines.append(text)
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
