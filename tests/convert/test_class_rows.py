"""The classes that are kept: by number, by name, by folder."""

import pytest

from mcmi_plugin.convert.class_rows import FOLDERS, class_rows
from mcmi_plugin.errors import UserError

NAMES = ['cat', 'dog', 'sea lion', 'dog']


@pytest.mark.parametrize(
    ('text', 'names', 'rows'),
    [
        ('2,0', None, [2, 0]),
        (' 1 , 3', NAMES, [1, 3]),
        ('Sea_Lion, cat', NAMES, [2, 0]),
    ],
)
def test_numbers_and_names(text, names, rows):
    assert class_rows(text, 4, names) == rows


def test_imagenet():
    assert len(FOLDERS) == len(set(FOLDERS)) == 1000
    assert sorted(FOLDERS) == FOLDERS
    # Imagenette's, as torchvision's ImageFolder and its own page name them.
    assert class_rows('n01440764,n02102040,n03888257', 1000, None) == [0, 217, 701]
    assert class_rows('tench,English springer,parachute', 1000, None) == [0, 217, 701]
    assert class_rows('701', 1000, None) == [701]


def test_folders_are_counted_as_data_sets_do(tmp_path):
    for name in ('n03888257', 'n01440764', '.hidden'):
        (tmp_path / name).mkdir()
    (tmp_path / 'readme.txt').touch()
    assert class_rows(str(tmp_path), 1000, None) == [0, 701]


def test_names_that_are_numbers(tmp_path):
    """As flowers' classes are called: a folder is a name, what is typed a number."""
    names = ['1', '10', '2']
    for name in ('1', '2'):
        (tmp_path / name).mkdir()
    assert class_rows(str(tmp_path), 3, names) == [0, 2]
    assert class_rows('1,2', 3, names) == [1, 2]
    assert class_rows('10', 3, names) == [1]


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('cat,cow', 'cow is none of its classes; give numbers, 0 to 3'),
        ('dog', r'dog may be \[1, 3\]; give numbers'),
        ('cat,0', 'names a class twice'),
        ('4', '4 is none of its classes'),
        (',', 'names no class'),
    ],
)
def test_wrong_classes(text, words):
    with pytest.raises(UserError, match=f'--classes.*{words}'):
        class_rows(text, 4, NAMES)
