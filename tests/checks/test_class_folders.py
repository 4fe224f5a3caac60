"""What the class folders and the names of a config say of each other."""

import shutil

import pytest
from imagenet_folder import CLASSES, write_folder
from layouts import flatten
from mmpretrain.registry import DATASETS
from pictures_config import KEY, config, error_of, with_its_override

from mcmi_plugin.checks.classes import check_classes
from mcmi_plugin.checks.data import check_data
from mcmi_plugin.checks.folders import misplaced


@pytest.fixture
def root(tmp_path):
    write_folder(tmp_path)
    return tmp_path


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
