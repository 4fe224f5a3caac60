"""A training set in two parts."""

import numpy as np
import pytest
from mmengine.registry import DATASETS

from mcmi_plugin.errors import UserError

DIGITS = dict(type='Digits', split='train', pipeline=[], serialize_data=False)


def build(part, fraction=0.2, dataset=DIGITS, **options):
    config = dict(type='HoldOut', part=part, fraction=fraction, dataset=dict(dataset))
    return DATASETS.build({**config, **options})


def test_the_parts_are_the_whole_and_have_nothing_in_common():
    train, held_out = build('train'), build('held_out')
    together = [*train.indices, *held_out.indices]
    assert sorted(together) == list(range(1000))
    counts = np.bincount(np.append(train.get_gt_labels(), held_out.get_gt_labels()))
    expected = np.floor(0.2 * counts + 0.5)
    assert (np.bincount(held_out.get_gt_labels()) == expected).all()


def test_a_few_shot_set_of_the_whole_is_not_what_was_held_out():
    few = DATASETS.build(dict(type='ClassFraction', fraction=0.5, dataset=DIGITS))
    assert not set(few.indices) & set(build('held_out').indices)


def test_both_parts_share_one_file(tmp_path):
    path = str(tmp_path / 'held_out.json')
    held_out = build('held_out', index_file=path)
    train = build('train', index_file=path)
    assert len(train) + len(held_out) == 1000
    with pytest.raises(UserError, match='was made with seed=0, not 1'):
        build('train', seed=1, index_file=path)


def test_parts_without_a_class_are_refused():
    few = dict(type='ClassFraction', fraction=0.02, dataset=DIGITS)
    assert len(build('train', 0.5, few)) == 10
    with pytest.raises(UserError, match="0.9 holds out all 2 samples of class '0'"):
        build('held_out', 0.9, few)
    with pytest.raises(UserError, match='leaves no sample of class .* do is 0.25'):
        build('train', 0.1, few)


def test_another_part_is_refused():
    with pytest.raises(UserError, match="part='test'; it has 'train' and 'held_out'"):
        build('test')
