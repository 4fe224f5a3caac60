"""CIFAR in its official form: read in place and offline."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest
from cifar_files import (
    cifar_batch,
    write_cifar10,
    write_cifar100,
    write_files,
)
from mmengine.config import Config
from mmengine.registry import DATASETS
from mmpretrain.datasets import CIFAR10, CIFAR100
from mmpretrain.registry import DATASETS as MMPRETRAIN_DATASETS
from mmrazor.registry import DATASETS as MMRAZOR_DATASETS

from mcmi_plugin.checks.data import check_data
from mcmi_plugin.datasets import cifar, packed
from mcmi_plugin.errors import UserError


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    def download(*args, **kwargs):
        raise AssertionError('a download was tried')

    monkeypatch.setattr('mmpretrain.datasets.utils.download_url', download)


def load(kind: type, folder, split: str = 'train'):
    return kind(data_root=str(folder), split=split)


def images_of(batch: dict) -> np.ndarray:
    """[N, 32, 32, 3] of 3,072 numbers that go by colour, then row, then column."""
    return np.stack([batch['data'].reshape(-1, 3, 1024)[:, c] for c in range(3)], -1)


@pytest.mark.parametrize('archive', [True, False])
def test_cifar100_is_what_the_files_hold(tmp_path, archive):
    write_cifar100(tmp_path, num_train=200, num_test=100, archive=archive)
    before = sorted(tmp_path.rglob('*'))
    for seed, (split, number) in enumerate({'train': 200, 'test': 100}.items()):
        dataset = load(CIFAR100, tmp_path, split)
        fine = [n % 100 for n in range(number)]
        assert dataset.get_gt_labels().tolist() == fine
        images = np.stack([dataset[i]['img'] for i in range(number)])
        expected = images_of(cifar_batch(fine, 'fine_labels', seed))
        assert images.dtype == np.uint8
        assert np.array_equal(images.reshape(number, 1024, 3), expected)
        assert images.shape == (number, 32, 32, 3)
        assert dataset.metainfo['classes'] == CIFAR100.METAINFO['classes']
    assert sorted(tmp_path.rglob('*')) == before


@pytest.mark.parametrize('archive', [True, False])
def test_cifar10_puts_its_batches_together_in_order(tmp_path, archive):
    write_cifar10(tmp_path, num_train=23, num_test=7, archive=archive)
    dataset = load(CIFAR10, tmp_path)
    labels = [[n % 10 for n in range(i, 23, 5)] for i in range(5)]
    assert dataset.get_gt_labels().tolist() == sum(labels, [])
    expected = [
        images_of(cifar_batch(part, 'labels', i)) for i, part in enumerate(labels)
    ]
    images = np.stack([dataset[i]['img'] for i in range(23)]).reshape(23, 1024, 3)
    assert np.array_equal(images, np.concatenate(expected))
    assert len(load(CIFAR10, tmp_path, 'test')) == 7


def test_a_split_needs_its_own_files_only(tmp_path):
    write_cifar100(tmp_path, archive=False)
    (tmp_path / 'cifar-100-python' / 'test').unlink()
    assert len(load(CIFAR100, tmp_path)) == 200


def test_half_unpacked_folder_beside_the_archive(tmp_path):
    write_cifar100(tmp_path)
    (tmp_path / 'cifar-100-python').mkdir()
    assert len(load(CIFAR100, tmp_path)) == 200


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_cifar100(tmp_path / 'data')
    assert len(load(CIFAR100, '~/data')) == 200


# MMRazor's configs have no `split`, and mmcls took `test_mode` for it.
@pytest.mark.parametrize(
    ('keys', 'number'),
    [
        (dict(test_mode=False), 20),
        (dict(test_mode=True), 10),
        (dict(test_mode=True, split='train'), 20),
        (dict(split='test'), 10),
    ],
)
@pytest.mark.parametrize('registry', [DATASETS, MMRAZOR_DATASETS])
def test_stock_config_of_mmrazor(tmp_path, registry, keys, number):
    write_cifar10(tmp_path, num_train=20, num_test=10)
    cfg = dict(type='CIFAR10', _scope_='mmcls', data_prefix=str(tmp_path), **keys)
    assert len(registry.build(cfg)) == number


@pytest.mark.parametrize(
    ('place', 'split', 'loader'),
    [
        ('data_root', 'train', 'train_dataloader'),
        ('data_root', 'test', 'val_dataloader'),
        ('data_prefix', 'train', 'train_dataloader'),
    ],
)
def test_missing_files(tmp_path, place, split, loader):
    folder = tmp_path / 'mistyped'
    with pytest.raises(UserError) as error:
        CIFAR100(split=split, **{place: str(folder)})
    line = str(error.value)
    assert str(folder / 'cifar-100-python.tar.gz') in line
    assert str(folder / 'cifar-100-python' / split) in line
    assert f'--cfg-options {loader}.dataset.{place}=DIR' in line
    assert '\n' not in line
    assert not folder.exists()


def test_cut_archive_is_left_alone(tmp_path):
    write_cifar100(tmp_path)
    archive = tmp_path / 'cifar-100-python.tar.gz'
    content = archive.read_bytes()
    for length in (0, 100, len(content) // 2, len(content) - 30):
        archive.write_bytes(content[:length])
        with pytest.raises(UserError, match=f'{archive}.*download it again'):
            load(CIFAR100, tmp_path, 'test')
        assert archive.read_bytes() == content[:length]
    archive.write_bytes(content[:5000] + b'damaged' + content[5007:])
    with pytest.raises(UserError, match=f'{archive}.*download it again'):
        load(CIFAR100, tmp_path, 'test')


def test_archive_of_something_else(tmp_path):
    write_files(tmp_path, 'photos', 'cifar-100', {'train': b''}, archive=True)
    with pytest.raises(UserError, match='cifar-100-python/train'):
        load(CIFAR100, tmp_path)
    files = {'train/1.jpg': b''}
    write_files(tmp_path, 'cifar-100-python', 'cifar-100', files, archive=True)
    with pytest.raises(UserError, match=r'cifar-100-python\.tar\.gz'):
        load(CIFAR100, tmp_path)


def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, '_MOST', 2**20)
    bomb = {'train': b'0' * 2**21, 'test': b'', 'meta': b''}
    write_files(tmp_path, 'cifar-100-python', 'cifar-100', bomb, archive=True)
    assert sum(file.stat().st_size for file in tmp_path.rglob('*.gz')) < 2**15
    with pytest.raises(UserError, match='more than 1 GB'):
        load(CIFAR100, tmp_path)


def test_nothing_is_unpacked_to_the_disk(tmp_path):
    write_cifar100(tmp_path / 'a' / 'b', archive=True)
    (packed,) = tmp_path.rglob('*.tar.gz')
    with gzip.open(packed) as stream:
        members = io.BytesIO(stream.read())
    with tarfile.open(fileobj=members, mode='a:') as archive:
        for name in ('../../evil', '/evil'):
            archive.addfile(tarfile.TarInfo(name))
    packed.write_bytes(gzip.compress(members.getvalue()))
    before = sorted(tmp_path.rglob('*'))
    load(CIFAR100, tmp_path / 'a' / 'b').full_init()
    assert sorted(tmp_path.rglob('*')) == before


def test_cut_batch(tmp_path):
    write_cifar100(tmp_path, archive=False)
    file = tmp_path / 'cifar-100-python' / 'train'
    content = file.read_bytes()
    for length in (0, 1, 50, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(UserError, match=r'cifar-100-python: train: .*download'):
            load(CIFAR100, tmp_path)


def test_as_many_images_as_the_official_file_means_its_checksum(tmp_path, monkeypatch):
    write_cifar100(tmp_path, num_train=10_000, num_test=10_000, archive=False)
    assert len(load(CIFAR100, tmp_path)) == 10_000  # not 50,000
    with pytest.raises(UserError, match=r'test: .*MD5.*f0ef6b0ae62326f3') as error:
        load(CIFAR100, tmp_path, 'test')
    assert str(error.value).endswith(
        'labels of your own: --cfg-options val_dataloader.dataset.checksum=False'
    )
    given = dict(type='CIFAR100', data_root=str(tmp_path), split='test')
    cfg = Config(dict(val_dataloader=dict(dataset=dict(given, checksum=False))))
    check_data(cfg)
    own = MMPRETRAIN_DATASETS.build(cfg.val_dataloader.dataset)
    assert own.get_gt_labels().tolist() == [n % 100 for n in range(10_000)]
    content = (tmp_path / 'cifar-100-python' / 'test').read_bytes()
    official = [['test', hashlib.md5(content).hexdigest()]]
    monkeypatch.setattr(CIFAR100, 'test_list', official)
    assert len(load(CIFAR100, tmp_path, 'test')) == 10_000


def test_official_numbers():
    assert [cifar._official_number(name) for name, _ in CIFAR100.train_list] == [50_000]
    names = CIFAR100.test_list + CIFAR10.train_list + CIFAR10.test_list
    assert [cifar._official_number(name) for name, _ in names] == [10_000] * 7


def test_one_line_from_the_command(command, tmp_path):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'readme.txt').write_text('put it here')
    config = tmp_path / 'config.py'
    config.write_text(
        "_base_ = ['mmpretrain::resnet/resnet18_8xb16_cifar10.py']\n"
        f"train_dataloader = dict(dataset=dict(data_root='{tmp_path}/data'))\n"
        f"val_dataloader = dict(dataset=dict(data_root='{tmp_path}/data'))\n"
        'test_dataloader = val_dataloader\n'
    )
    done = command('train.py', config, ok=False)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith('error')]
    assert len(lines) == 1
    assert 'cifar-10-python.tar.gz' in lines[0]
    assert 'Traceback' not in done.stderr
