"""Fractions of every class: the same for all arms, checked before training."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.stratified import share, stratified
from mcmi_plugin.errors import UserError

DIGITS = dict(type='Digits', split='train', pipeline=[], serialize_data=False)


def build(fraction, dataset=DIGITS, **options):
    config = dict(type='ClassFraction', fraction=fraction, dataset=dict(dataset))
    return DATASETS.build({**config, **options})


def test_every_class_gives_its_fraction_and_no_sample_twice():
    whole = build(1.0)
    assert (whole.indices == np.arange(1000)).all()
    counts = np.bincount(whole.get_gt_labels())
    few = build(0.15)
    assert (np.bincount(few.get_gt_labels()) == np.floor(0.15 * counts + 0.5)).all()
    assert len(set(few.indices)) == len(few)
    assert list(few.indices) == sorted(few.indices)


def test_the_partition_comes_from_the_labels_and_the_seed_alone():
    one = build(0.05).indices
    np.random.seed(7)
    assert (build(0.05).indices == one).all()
    assert not np.array_equal(build(0.05, seed=1).indices, one)
    # Fixed for good, so that a study can be repeated with another NumPy.
    labels = np.repeat([0, 2, 5], [5, 4, 3])
    assert stratified(labels, 0.4, seed=3).tolist() == [1, 4, 5, 8, 10]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.floats(0.01, 0.5),
    st.floats(0, 0.49),
)
def test_fractions_are_nested_and_the_two_ends_do_not_meet(labels, large, less):
    labels = np.array(labels)
    small = set(stratified(labels, large - less * large, seed=0))
    large_part = set(stratified(labels, large, seed=0))
    assert small <= large_part
    end = set(stratified(labels, 0.499, seed=0, from_end=True))
    start = set(stratified(labels, 0.499, seed=0))
    for label in set(labels):
        number = int((labels == label).sum())
        if 2 * share(number, 0.499) <= number:
            assert not {i for i in end & start if labels[i] == label}


def test_an_empty_class_is_named_with_the_smallest_fraction_that_does():
    with pytest.raises(UserError, match='leaves no sample of class') as error:
        build(0.002)
    smallest = float(re.search(r'do is ([\d.]+)', str(error.value))[1])
    counts = np.bincount(build(1.0).get_gt_labels())
    assert f"class '{counts.argmin()}', which has {counts.min()}" in str(error.value)
    assert set(build(smallest).get_gt_labels()) == set(range(10))
    with pytest.raises(UserError, match='leaves no sample'):
        build(smallest - 1e-5)


@pytest.mark.parametrize('fraction', [0, -0.1, 1.5, '5%', True, float('nan')])
def test_a_fraction_out_of_range(fraction):
    with pytest.raises(UserError, match='fraction=.*: must be above 0 and at most 1'):
        build(fraction)


def test_a_seed_that_is_none():
    with pytest.raises(UserError, match='ClassFraction: seed=-1'):
        build(0.5, seed=-1)


def test_the_saved_indices_are_the_ones_used(tmp_path):
    path = tmp_path / 'indices/few.json'
    first = build(0.05, index_file=str(path)).indices
    content = json.loads(path.read_text())
    assert content['values'] == first.tolist()
    # As if another version of the code had chosen others.
    others = list(range(len(first)))
    path.write_text(json.dumps({**content, 'values': others}))
    assert build(0.05, index_file=str(path)).indices.tolist() == others


@pytest.mark.parametrize(
    ('other', 'line'),
    [
        (dict(fraction=0.1), 'was made with fraction=0.05, not 0.1'),
        (dict(seed=4), 'was made with seed=0, not 4'),
        (dict(dataset={**DIGITS, 'split': 'test'}), 'num_samples=1000, not 797'),
    ],
)
def test_indices_of_another_choice_are_refused(tmp_path, other, line):
    path = str(tmp_path / 'few.json')
    build(0.05, index_file=path)
    with pytest.raises(UserError, match=line):
        build(**{**dict(fraction=0.05, index_file=path), **other})
