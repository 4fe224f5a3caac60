"""What is wrong with the data of a config, in one line, before anything is read."""

import shutil

import pytest
from imagenet_folder import CLASSES, write_folder
from layouts import flatten
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmpretrain.registry import DATASETS
from PIL import Image

from mcmi_plugin.checks.classes import check_classes
from mcmi_plugin.checks.data import check_data
from mcmi_plugin.checks.folders import misplaced
from mcmi_plugin.commands import parser
from mcmi_plugin.errors import UserError

KEY = 'train_dataloader.dataset'


@pytest.fixture
def root(tmp_path):
    write_folder(tmp_path)
    return tmp_path


def config(root, train: dict | None = None, val: dict | None = None, **more) -> Config:
    def dataset(split, given):
        own = dict(type='CustomDataset', data_root=str(root), data_prefix=split)
        return dict(dataset={**own, **(given or {})})

    loaders = dict(
        train_dataloader=dataset('train', train), val_dataloader=dataset('val', val)
    )
    return Config(dict(loaders, default_scope='mmpretrain', **more))


def error_of(check, cfg: Config) -> str:
    with pytest.raises(UserError) as caught:
        check(cfg)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def with_its_override(cfg: Config, message: str) -> Config:
    """The config with the override that the message ends in, read as a flag."""
    words = message.split('--cfg-options ')[1].strip("'")
    options = parser('').parse_args(['config.py', '--cfg-options', words]).cfg_options
    cfg.merge_from_dict(options)
    return cfg


NAMES_IN_ANOTHER_ORDER = [
    ('dog', 'cat', 'emu', 'fox'),
    ('Dog', 'Cat', 'Emu', 'Fox'),
    ('cat', 'dog', 'fox', 'crane'),
]


@pytest.mark.parametrize('names', NAMES_IN_ANOTHER_ORDER)
@pytest.mark.parametrize('argument', ['classes', 'metainfo', 'file'])
@pytest.mark.parametrize('kind', ['CustomDataset', 'ImageNet'])
def test_class_names_in_another_order_than_the_folders(names, argument, kind, root):
    (root / 'names.txt').write_text('\n'.join(names))
    given, key = {
        'classes': (dict(classes=list(names)), 'classes'),
        'metainfo': (dict(metainfo=dict(classes=names)), 'metainfo.classes'),
        'file': (dict(classes=str(root / 'names.txt')), 'classes'),
    }[argument]
    cfg = config(root, dict(given, type=kind))
    message = error_of(check_data, cfg)
    assert message.startswith(f'{KEY}.{key}: class ')
    assert 'cat,dog,emu,fox' in message
    check_data(with_its_override(cfg, message))


def test_other_names_and_the_right_order_pass(root):
    for names in (
        CLASSES,
        ('n01', 'n02', 'n03', 'n04'),
        ('Cat', 'hound', 'Emu', 'fox'),
    ):
        check_data(config(root, dict(classes=names), dict(classes=names)))


@pytest.mark.parametrize(
    ('names', 'wanted', 'first'),
    [
        (['b', 'a'], ['a', 'b'], 0),
        (['a', 'b', 'c'], ['a', 'b', 'c'], None),
        (['tench', 'shark'], ['n1', 'n2'], None),
        (['A', 'a'], ['A', 'a'], None),  # two folders, where letters' case counts
        (['a', 'A'], ['A', 'a'], 0),
        ([0, 1, 2, 10], ['0', '1', '10', '2'], 2),
        (['crane', 'kite', 'crane'], ['crane', 'kite', 'crane'], None),
        (['kite', 'crane', 'crane'], ['crane', 'kite', 'crane'], 0),
        ([], [], None),
    ],
)
def test_misplaced(names, wanted, first):
    assert misplaced(names, wanted) == first


def test_two_splits_with_the_same_names_in_another_order(root):
    flatten(root, 'val')
    val = dict(ann_file='meta/val.txt', classes=['fox', 'emu', 'dog', 'cat'])
    cfg = config(root, None, val)
    check_data(cfg)  # a list has no folders
    message = error_of(check_classes, cfg)
    assert message.startswith("val_dataloader.dataset: class 0 is called 'fox'")
    cfg.val_dataloader.dataset.classes = CLASSES
    check_classes(cfg)


def heads(outputs: int) -> dict:
    return dict(architecture=dict(head=dict(num_classes=outputs)))


def test_a_hidden_folder_is_a_class_as_for_the_data_set(root):
    (root / 'train/.ipynb_checkpoints').mkdir()
    cfg = config(root, model=heads(4))
    seen = DATASETS.build(cfg.train_dataloader.dataset)
    assert seen.metainfo['classes'] == ('.ipynb_checkpoints', *CLASSES)
    assert '1 missing (.ipynb_checkpoints)' in error_of(check_classes, cfg)

    (root / 'val/.ipynb_checkpoints').mkdir()
    message = error_of(check_classes, cfg)
    assert 'has 5 classes (.ipynb_checkpoints among them' in message
    check_classes(config(root, model=heads(5)))
    # Four names cannot be those of five folders.
    message = error_of(check_data, config(root, dict(classes=CLASSES)))
    assert '5 class folders' in message and '.ipynb_checkpoints among them' in message


def test_the_teachers_own_data_count_the_same_folders(root, tmp_path):
    other = tmp_path / 'other'
    shutil.copytree(root / 'train', other)
    cfg = config(
        root, mcmi=dict(dataset=dict(type='CustomDataset', data_root=str(other)))
    )
    check_classes(cfg)
    (other / 'dog').rename(other / 'ape')
    assert error_of(check_classes, cfg).startswith(
        'mcmi.dataset: not the class folders'
    )


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


LINES = {
    'filename,label\n': '"FILE LABEL": a file, a space, and the number',
    'cat/0.jpg\t0\n': 'line 2: \'cat/0.jpg\\t0\' is not "FILE LABEL"',
    'cat/0.jpg,0\n': 'line 2: \'cat/0.jpg,0\' is not "FILE LABEL"',
    'cat/0.jpg -1\n': 'is not "FILE LABEL"',
    '\n': "line 2: '' is not",
    'fox/0.jpg 4\n': 'line 2: label 4 is not in [0, 4), ',
}


@pytest.mark.parametrize('line', LINES)
def test_a_line_of_a_list_that_cannot_be_meant(line, root):
    listed = root / 'list.txt'
    listed.write_text(f'cat/0.jpg 0\n{line}')
    given = dict(ann_file=str(listed), data_prefix='train', classes=CLASSES)
    message = error_of(check_data, config(root, given))
    assert message.startswith(f'{KEY}.ann_file: {listed}, line 2') or line[0] == 'f'
    assert LINES[line] in message


@pytest.mark.parametrize('encoding', ['latin-1', 'utf-16', 'utf-8-sig'])
def test_a_list_that_is_not_utf_8(encoding, root):
    listed = root / 'list.txt'
    listed.write_text('\xe9t\xe9/0.jpg 0\n', encoding)
    given = dict(ann_file=str(listed), data_prefix='train', classes=CLASSES)
    assert 'save it as UTF-8' in error_of(check_data, config(root, given))


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
