"""MNIST and Fashion-MNIST read in place, packed or not, and never downloaded."""

import gzip
import struct

import numpy as np
import pytest
from mmengine.config import Config
from mmpretrain.datasets import MNIST, FashionMNIST
from mmpretrain.registry import DATASETS

from mcmi_plugin.checks.data import check_data
from mcmi_plugin.errors import UserError

NAMES = {
    'train': ('train-images-idx3-ubyte', 'train-labels-idx1-ubyte'),
    'test': ('t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'),
}
SIZE = dict(train=12, test=7)
KEY = 'train_dataloader.dataset.data_root'


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    def download(*args, **kwargs):
        raise AssertionError('a download was tried')

    monkeypatch.setattr('mmpretrain.datasets.utils.download_url', download)


def content(split: str) -> tuple[np.ndarray, np.ndarray]:
    number = SIZE[split]
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (number, 28, 28), np.uint8), np.arange(number) % 10


def idx(array: np.ndarray) -> bytes:
    """The format as http://yann.lecun.com/exdb/mnist/ describes it."""
    head = struct.pack('>HBB', 0, 8, array.ndim)
    sizes = b''.join(struct.pack('>I', size) for size in array.shape)
    return head + sizes + array.astype(np.uint8).tobytes()


def write(folder, packed: bool = True, splits=('train', 'test')) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for split in splits:
        for name, array in zip(NAMES[split], content(split), strict=True):
            if packed:
                (folder / f'{name}.gz').write_bytes(gzip.compress(idx(array)))
            else:
                (folder / name).write_bytes(idx(array))


@pytest.mark.parametrize('kind', [MNIST, FashionMNIST])
@pytest.mark.parametrize('packed', [True, False])
@pytest.mark.parametrize('below', ['', 'raw', '{kind}/raw'])
def test_it_is_what_the_files_hold(kind, packed, below, tmp_path):
    write(tmp_path / below.format(kind=kind.__name__), packed)
    before = sorted(tmp_path.rglob('*'))
    for split in SIZE:
        dataset = kind(data_root=str(tmp_path), split=split)
        images, labels = content(split)
        assert dataset.get_gt_labels().tolist() == labels.tolist()
        found = np.stack([dataset[i]['img'] for i in range(len(dataset))])
        assert found.dtype == np.uint8 and np.array_equal(found, images)
        assert dataset.metainfo['classes'] == kind.METAINFO['classes']
    assert sorted(tmp_path.rglob('*')) == before  # nothing is unpacked


@pytest.mark.parametrize(
    ('given', 'size'),
    [
        ({}, 'train'),
        (dict(test_mode=True), 'test'),
        (dict(split='test', test_mode=True), 'test'),
        (dict(split='test'), 'test'),
        (dict(split='train', test_mode=True), 'train'),  # as upstream's warning says
    ],
)
def test_which_split(given, size, tmp_path):
    write(tmp_path)
    assert len(FashionMNIST(data_root=str(tmp_path), **given)) == SIZE[size]


def test_one_split_needs_no_other(tmp_path):
    write(tmp_path, splits=['test'])
    assert len(MNIST(data_prefix=str(tmp_path), split='test')) == 7


def config(**given) -> Config:
    return Config(
        dict(train_dataloader=dict(dataset=dict(type='FashionMNIST', **given)))
    )


def test_absent_is_one_line_before_anything_is_built(tmp_path):
    folder = tmp_path / 'nowhere'
    with pytest.raises(UserError) as caught:
        check_data(config(data_root=str(folder)))
    message = str(caught.value)
    assert message.startswith(f'{KEY}: there is no {folder}/train-images-idx3-ubyte.gz')
    assert f'--cfg-options {KEY}=DIR' in message and '\n' not in message
    with pytest.raises(UserError, match=KEY):
        DATASETS.build(dict(type='FashionMNIST', data_root=str(folder)))
    assert not folder.exists()
    with pytest.raises(UserError, match=f'{KEY} is not set'):
        check_data(config())
    write(tmp_path)
    check_data(config(data_root=str(tmp_path)))


@pytest.mark.parametrize('packed', [True, False])
@pytest.mark.parametrize(
    'damage',
    [
        lambda content: content[: len(content) // 2],
        lambda content: b'',
        lambda content: b'no such file here',
        lambda content: content[:1] + b'\x01' + content[2:],
    ],
)
def test_damage_is_named(damage, packed, tmp_path):
    write(tmp_path, packed)
    path = tmp_path / (NAMES['train'][0] + '.gz' * packed)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match='train-images-idx3-ubyte.*again'):
        MNIST(data_root=str(tmp_path))


def test_labels_that_do_not_fit(tmp_path):
    write(tmp_path, packed=False)
    path = tmp_path / NAMES['train'][1]
    path.write_bytes(idx(np.arange(3)))
    with pytest.raises(UserError, match='3 labels for the 12 images'):
        MNIST(data_root=str(tmp_path))
    path.write_bytes(idx(np.arange(12)))
    with pytest.raises(UserError, match=r'label 11 is not in \[0, 10\)'):
        MNIST(data_root=str(tmp_path))
