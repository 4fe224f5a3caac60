"""Classes kept and dropped, by name and id."""

import pytest
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.class_selection import ids_of_classes
from mcmi_plugin.errors import UserError

NAMES = ['airplane', 'automobile', 'bird', 'cat', 'Ship', '7']


def build(kind, classes, dataset=None):
    dataset = dataset or dict(
        type='Digits', split='test', pipeline=[], serialize_data=False
    )
    return DATASETS.build(dict(type=kind, classes=classes, dataset=dataset))


def test_kept_and_dropped_classes_are_the_two_halves_and_keep_their_ids():
    kept, dropped = build('KeepClasses', ['1', 4, 7]), build('DropClasses', [1, '4', 7])
    assert set(kept.get_gt_labels()) == {1, 4, 7}
    assert set(dropped.get_gt_labels()) == {0, 2, 3, 5, 6, 8, 9}
    assert sorted([*kept.indices, *dropped.indices]) == list(range(797))
    assert len(kept.metainfo['classes']) == len(dropped.metainfo['classes']) == 10


def test_names_and_ids_can_be_mixed_and_a_string_is_a_name():
    assert ids_of_classes(['cat', 0, 'cat', '7'], NAMES, 'key') == {0, 3, 5}


@pytest.mark.parametrize(
    ('entry', 'line'),
    [
        (
            'automobil',
            "key: there is no class 'automobil'; the closest ones are 'automobile'",
        ),
        ('ship', "no class 'ship'; the closest ones are 'Ship'"),
        ('zzzz', "no class 'zzzz'; they are 'airplane', 'automobile'"),
        (6, 'no class 6; ids go from 0 to 5'),
        (-1, 'no class -1; ids go from 0 to 5'),
    ],
)
def test_an_unknown_class_is_one_line_with_the_closest_ones(entry, line):
    with pytest.raises(UserError, match=line) as error:
        ids_of_classes([0, entry], NAMES, 'key')
    assert '\n' not in str(error.value)


def test_one_class_without_a_list_is_refused():
    with pytest.raises(UserError, match="key='cat': must be a list of classes"):
        ids_of_classes('cat', NAMES, 'key')


def test_all_classes_dropped_or_none_kept():
    with pytest.raises(UserError, match='DropClasses: classes drops 10 of 10 classes'):
        build('DropClasses', list(range(10)))
    with pytest.raises(UserError, match=r'KeepClasses: classes=\[\] leaves no sample'):
        build('KeepClasses', [])
    without = dict(
        type='DropClasses',
        classes=[3],
        dataset=dict(type='Digits', split='test', pipeline=[], serialize_data=False),
    )
    with pytest.raises(UserError, match='leaves no sample'):
        build('KeepClasses', ['3'], without)
