"""A data set is known by what it holds, wherever it lies."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner.runner import _SlicedDataset
from mmpretrain.datasets import BaseDataset, CustomDataset

from mcmi_plugin.datasets import ClassFraction, Digits, HoldOut, KeepClasses, content
from mcmi_plugin.datasets.content import content_of, without_paths

LINES = ['cat/1.jpg 0', 'cat/2.jpg 0', 'dog/1.jpg 1', 'dog/2.jpg 1']


def write(root: Path, sizes=(3, 4, 5, 6), lines=LINES) -> Path:
    """A folder of four files and a list of them with their labels."""
    for line, size in zip(LINES, sizes, strict=True):
        file = root / 'train' / line.split()[0]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b'x' * size)
    (root / 'list.txt').write_text('\n'.join(lines) + '\n')
    return root


def listed(root, **changes):
    """The content of that folder, through mmpretrain's own data set."""
    config = dict(data_root=str(root), ann_file='list.txt', data_prefix='train')
    config |= changes
    return content_of(CustomDataset(**config), config)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / 'data')


@pytest.mark.parametrize(
    'changes',
    [
        dict(lines=['cat/1.jpg 1', *LINES[1:3], 'dog/2.jpg 0']),  # labels, equal N
        dict(lines=LINES[::-1]),  # what a seed makes of it is another order
        dict(lines=LINES[:3]),
        dict(sizes=(3, 4, 5, 7)),  # a picture that was replaced
    ],
)
def test_what_has_changed_in_its_place_is_another_content(folder, changes):
    before = listed(folder)
    assert before == listed(folder)
    write(folder, **changes)
    assert listed(folder) != before


def test_what_was_moved_as_it_is_is_the_same(folder, tmp_path, monkeypatch):
    before = listed(folder)
    shutil.copytree(folder, tmp_path / 'disk/other')
    assert listed(tmp_path / 'disk/other') == before
    monkeypatch.chdir(tmp_path)
    assert listed('data') == listed('./disk/other/') == before
    # The same files, told by other keys.
    whole = dict(ann_file='data/list.txt', data_prefix='data/train')
    assert listed('', **whole) == before


def test_the_same_words_in_two_working_directories(tmp_path, monkeypatch):
    contents = []
    for name, sizes in (('here', (3, 4, 5, 6)), ('there', (6, 5, 4, 3))):
        write(tmp_path / name, sizes)
        monkeypatch.chdir(tmp_path / name)
        contents.append(listed('', data_prefix='train'))
    assert contents[0] != contents[1]


def test_a_link_that_is_pointed_elsewhere(folder, tmp_path):
    other = write(tmp_path / 'other', sizes=(9, 9, 9, 9))
    link = tmp_path / 'link'
    contents = []
    for target in (folder, other):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        contents.append(listed(link))
    assert contents == [listed(folder), listed(other)]
    assert contents[0] != contents[1]


def test_folders_of_classes_need_no_list(folder):
    config = dict(data_root=str(folder), data_prefix='train')
    before = content_of(CustomDataset(**config), config)
    (folder / 'train/dog/2.jpg').rename(folder / 'train/cat/3.jpg')
    after = content_of(CustomDataset(**config), config)
    assert before.num_samples == after.num_samples == 4
    assert before != after


class InMemory(BaseDataset):
    """Pictures and labels from a file that no key of the config names."""

    def __init__(self, images, labels):
        self.pairs = list(zip(images, labels, strict=True))
        super().__init__(ann_file='', serialize_data=False)

    def load_data_list(self):
        return [dict(img=image, gt_label=label) for image, label in self.pairs]


def test_pixels_in_memory_count():
    images = np.zeros((3, 2, 2, 3), np.uint8)
    before = content_of(InMemory(images, [0, 1, 1]), {})
    assert before == content_of(InMemory(images.copy(), [0, 1, 1]), {})
    assert before != content_of(InMemory(images, [0, 1, 0]), {})
    changed = images.copy()
    changed[2, 1, 1, 0] = 1
    assert before != content_of(InMemory(changed, [0, 1, 1]), {})
    # As tensors, with labels of NumPy's or of torch's: read too, whatever they are.
    tensors = content_of(InMemory(torch.from_numpy(images), np.array([0, 1, 1])), {})
    assert tensors == before


def test_an_array_of_objects_is_what_it_holds():
    """Whose bytes are the addresses of the objects."""

    def content(*words):
        names = np.array([[*words, 'x' * 30]], dtype=object)
        return content_of(InMemory(names, [0]), {})

    assert content('a' * 9, 'b') == content(''.join('a' for _ in range(9)), 'b')
    assert content('a' * 9, 'b') != content('a' * 9, 'c')


def test_wrappers_are_what_they_keep(folder):
    config = dict(data_root=str(folder), ann_file='list.txt', data_prefix='train')
    inner = dict(config, type='CustomDataset', metainfo=dict(classes=['cat', 'dog']))

    def of(kind, **options):
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            dataset = DATASETS.build(dict(type=kind, **options))
        return content_of(dataset, options)

    cats = of('KeepClasses', classes=['cat'], dataset=inner)
    dogs = of('KeepClasses', classes=['dog'], dataset=inner)
    twice = of('ConcatDataset', datasets=[inner, inner])
    assert len({cats, dogs, twice, of('RepeatDataset', times=1, dataset=inner)}) == 4
    assert (cats.num_samples, dogs.num_samples, twice.num_samples) == (2, 2, 4 * 2)
    write(folder, sizes=(3, 4, 5, 7))  # a dog
    assert of('KeepClasses', classes=['cat'], dataset=inner) == cats
    assert of('KeepClasses', classes=['dog'], dataset=inner) != dogs
    assert of('ConcatDataset', datasets=[inner, inner]) != twice


def test_what_is_embedded_is_told_by_its_config(tmp_path):
    def digest(dataset, **config):
        return content_of(dataset, config).digest

    digits = Digits('train', indices=100)
    assert digest(digits) is None
    assert digest(KeepClasses(digits, classes=[3, 4])) is None
    # Not where a file or a class of the user's own has a say.
    file = str(tmp_path / 'chosen.json')
    for options in ({}, dict(index_file=file)):
        held = HoldOut(digits, fraction=0.1, **options)
        assert (digest(held, **options) is None) == (not options)

    class Own(Digits):
        pass

    assert digest(Own('train', indices=100)) is not None
    for wrapper in (RepeatDataset(digits, 1), ConcatDataset([digits])):
        assert digest(wrapper) is not None
    fraction = ClassFraction(Own('train', indices=100), fraction=0.5)
    assert digest(fraction) is not None


def test_num_batch_per_epoch_cuts_no_content():
    """mmengine hands its sampler a part of the data set; the centroids are of all."""
    images = np.zeros((6, 2, 2, 3), np.uint8)
    dataset = InMemory(images, [0, 1, 2, 0, 1, 2])
    whole = content_of(dataset, {})
    assert whole.num_samples == 6
    assert content_of(_SlicedDataset(dataset, 4), {}) == whole


class Bare(torch.utils.data.Dataset):
    """torch's kind: it gives samples and tells nothing else."""

    def __len__(self):
        return 5


def test_a_data_set_that_tells_nothing_is_known_by_its_place(monkeypatch, tmp_path):
    said = []
    monkeypatch.setattr(content, 'log_warning', said.append)
    monkeypatch.chdir(tmp_path)
    here = content_of(Bare(), dict(type='Bare', data_root='a'))
    assert here.num_samples == 5 and 'Bare has no get_data_info' in said[0]
    assert here == content_of(Bare(), dict(data_root=str(tmp_path / 'a')))
    assert here != content_of(Bare(), dict(data_root='b'))


def test_one_data_set_is_looked_into_once(folder, monkeypatch):
    dataset = CustomDataset(data_root=str(folder), data_prefix='train')
    first = content_of(dataset, {})
    monkeypatch.setattr(content, 'digest_of', None)
    assert content_of(dataset, {}) == first


def test_only_the_places_leave_the_config():
    inner = dict(type='A', data_root='r', split='train', pipeline=[dict(ann_file=1)])
    outer = dict(type='B', dataset=inner, index_file='i', classes=['a'])
    kept = dict(type='A', split='train', pipeline=[dict(ann_file=1)])
    assert without_paths(outer) == dict(type='B', dataset=kept, classes=['a'])
    both = dict(datasets=[inner, inner], classes='names.txt')
    assert without_paths(both) == dict(datasets=[kept, kept])
