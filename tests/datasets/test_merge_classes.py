"""Binary and merged tasks."""

import numpy as np
import pytest
from mmengine.registry import DATASETS

from mcmi_plugin.errors import UserError

DIGITS = dict(type='Digits', split='test', pipeline=[], serialize_data=False)


def build(groups):
    return DATASETS.build(dict(type='MergeClasses', groups=groups, dataset=DIGITS))


def test_two_groups_of_five_keep_every_sample():
    merged = build({'low': [0, 1, 2, 3, 4], 'high': ['5', '6', '7', '8', '9']})
    old = merged.dataset.get_gt_labels()
    assert (merged.get_gt_labels() == (old >= 5)).all()
    assert merged.metainfo['classes'] == ('low', 'high')
    assert [merged.get_data_info(i)['gt_label'] for i in range(797)] == list(old >= 5)


def test_classes_in_no_group_are_left_out_and_labels_count_in_the_groups():
    merged = build({'nine': [9], 'few': [2, 0]})
    old = merged.dataset.get_gt_labels()[merged.indices]
    assert (merged.get_gt_labels() == np.where(old == 9, 0, 1)).all()
    assert set(old) == {0, 2, 9}


@pytest.mark.parametrize(
    ('groups', 'line'),
    [
        ({'a': [1, 2], 'b': ['2']}, "groups.b: '2' is in another group already"),
        ({'a': ['eins']}, "groups.a: there is no class 'eins'"),
        ({'a': [1], 'b': []}, r'groups.b=\[\] has no sample'),
        ({}, 'groups is empty'),
    ],
)
def test_groups_that_cannot_be(groups, line):
    with pytest.raises(UserError, match=line):
        build(groups)
