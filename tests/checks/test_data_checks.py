"""What is wrong with the data of a config, in one line, before anything is read."""

import shutil

import pytest
from imagenet_folder import CLASSES, write_folder
from layouts import flatten
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmpretrain.registry import DATASETS
from pictures_config import KEY, config, error_of, with_its_override
from PIL import Image

from mcmi_plugin.checks.classes import check_classes
from mcmi_plugin.checks.data import check_data


@pytest.fixture
def root(tmp_path):
    write_folder(tmp_path)
    return tmp_path


def save(root, *endings: str) -> None:
    for split in ('train', 'val'):
        for name in CLASSES:
            for ending in endings:
                Image.new('RGB', (8, 8)).save(root / split / name / f'another{ending}')


@pytest.mark.parametrize('kind', ['CustomDataset', 'ImageNet'])
def test_pictures_that_would_be_passed_over(kind, root):
    save(root, '.webp', '.tiff', '.bmp')
    given = dict(type=kind, classes=CLASSES)
    cfg = config(root, given, given)
    message = error_of(check_data, cfg)
    assert message.startswith(
        f'{KEY}: 4 .tiff, 4 .webp of the pictures in {root}/train'
    )
    assert f"'{KEY}.extensions=[.bmp,.jpg,.tiff,.webp]'" in message
    with_its_override(cfg, message)
    message = error_of(check_data, cfg)
    assert message.startswith('val_dataloader.dataset: 4 .tiff, 4 .webp')
    check_data(with_its_override(cfg, message))
    dataset = dict(
        cfg.train_dataloader.dataset, pipeline=[dict(type='LoadImageFromFile')]
    )
    dataset = DATASETS.build(dataset)
    assert len(dataset) == 9 + 3 * 4  # as torchvision's ImageFolder counts
    assert all(dataset[i]['img'].shape[2] == 3 for i in range(len(dataset)))


def test_endings_that_the_config_names_are_taken_at_their_word(root):
    save(root, '.webp')
    both = dict(extensions=['.jpg'])
    check_data(config(root, both, both))


def test_what_is_no_picture_is_passed_over_as_ever(root):
    for name in ('.hidden.webp', 'notes.txt', 'Thumbs.db', 'PICTURE.JPG'):
        (root / 'train/cat' / name).write_text('x')
    check_data(config(root))


def test_no_picture_at_all(root):
    for picture in root.glob('train/*/*.jpg'):
        picture.unlink()
    message = error_of(check_data, config(root))
    assert message.startswith(f'{KEY}: there is no picture in {root}/train (')
    assert f'--cfg-options {KEY}.data_root=DIR' in message


def test_endings_must_be_a_list(root):
    message = error_of(check_data, config(root, dict(extensions='.png')))
    assert f"'{KEY}.extensions=[.png]'" in message


def test_pictures_side_by_side_want_a_list(root):
    flatten(root, 'train')
    shutil.rmtree(root / 'meta')
    message = error_of(check_data, config(root))
    assert message.startswith(f'{KEY}: there are no class folders in {root}/train')
    assert f'{KEY}.ann_file=FILE' in message


def test_a_list_that_belongs_to_another_layout(root):
    """Found now, not after the first epoch, when validation begins."""
    flatten(root, 'val')
    shutil.copytree(root / 'train', root / 'val', dirs_exist_ok=True)
    for picture in root.glob('val/val_*.jpg'):
        picture.unlink()
    given = dict(type='ImageNet', split='val', data_prefix='', classes=CLASSES)
    message = error_of(check_data, config(root, None, given))
    assert message.startswith(f'val_dataloader.dataset: there is no {root}/val/val_')
    assert f'{root}/meta/val.txt' in message


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        (dict(ann_file='none.txt'), f'{KEY}.ann_file: there is no file'),
        (dict(classes='none.txt'), f'{KEY}: none.txt: No such file'),
        (
            dict(metainfo=dict(classes='none.txt')),
            f'{KEY}.metainfo.classes: there is no',
        ),
        (dict(data_prefix=dict(img_path='no')), 'data_root=DIR'),
        (
            dict(data_root='', data_prefix=dict(img_path='no')),
            'data_prefix.img_path=DIR',
        ),
    ],
)
def test_files_that_are_not_there(given, said, root):
    assert said in error_of(check_data, config(root, given))


def test_only_the_loaders_asked_for_are_looked_at(root):
    shutil.rmtree(root / 'val')
    cfg = config(root)
    check_data(cfg, ['train_dataloader'])
    assert error_of(check_data, cfg).startswith('val_dataloader.dataset: no Custom')


def test_inside_wrappers(root):
    inner = dict(type='CustomDataset', data_root=str(root), data_prefix='no')
    cfg = config(root)
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=inner)
    assert error_of(check_data, cfg).startswith(f'{KEY}.dataset: no CustomDataset data')
    cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=[inner])
    assert error_of(check_data, cfg).startswith(f'{KEY}.datasets.0: no CustomDataset')


class OfTheUsersOwn(BaseDataset):
    def __init__(self, folder):
        raise RuntimeError('built twice')


def test_a_class_of_the_users_own_is_left_alone(root):
    given = dict(dataset=dict(type=OfTheUsersOwn, folder='anything'))
    check_data(Config(dict(train_dataloader=given)))
    check_classes(Config(dict(train_dataloader=given)))


def test_the_data_of_a_class_of_ones_own_may_be_one_file(tmp_path):
    @DATASETS.register_module(force=True)
    class Archive(BaseDataset):
        def load_data_list(self):
            return []

    given = dict(type='Archive', data_prefix={}, data_root=str(tmp_path / 'all.h5'))
    cfg = config(tmp_path, given, given)
    assert 'no Archive data in ' in error_of(check_data, cfg)
    (tmp_path / 'all.h5').write_bytes(b'1')
    check_data(cfg)
