"""Labels of a part of the training set; the hook's test has the rest."""

import numpy as np
import pytest
from mmengine.registry import DATASETS

from mcmi_plugin.errors import UserError

DIGITS = dict(type='Digits', split='train', pipeline=[], serialize_data=False)


@pytest.fixture
def data():
    return DATASETS.build(
        dict(type='PseudoLabelled', labelled_fraction=0.1, dataset=DIGITS)
    )


def test_the_labelled_samples_are_those_of_a_class_fraction(data):
    few = DATASETS.build(dict(type='ClassFraction', fraction=0.1, dataset=DIGITS))
    assert (np.flatnonzero(data.is_labelled) == few.indices).all()
    assert len(data) == 1000


def test_no_hidden_label_gets_out(data):
    labels = data.get_gt_labels()
    assert (labels[~data.is_labelled] == -1).all()
    true = data.dataset.get_gt_labels()
    for idx in range(1000):
        if data.is_labelled[idx]:
            assert data.get_data_info(idx)['gt_label'] == true[idx]
        else:
            with pytest.raises(UserError, match='PseudoLabelHook'):
                data[idx]


def test_pseudo_labels_go_to_the_others_only(data):
    true = data.dataset.get_gt_labels()
    predicted = (true + 1) % 10
    hidden = np.flatnonzero(~data.is_labelled)
    predicted[hidden[:90]] = true[hidden[:90]]
    assert data.set_pseudo_labels(predicted) == pytest.approx(9000 / len(hidden))
    expected = np.where(data.is_labelled, true, predicted)
    assert (data.get_gt_labels() == expected).all()
    assert [data.get_data_info(i)['gt_label'] for i in range(1000)] == list(expected)


def test_a_fraction_that_labels_no_sample_of_a_class():
    config = dict(type='PseudoLabelled', labelled_fraction=0.001, dataset=DIGITS)
    with pytest.raises(UserError, match='PseudoLabelled: labelled_fraction=0.001 leav'):
        DATASETS.build(config)
