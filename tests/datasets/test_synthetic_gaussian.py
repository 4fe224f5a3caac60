"""The synthetic set: its law, its streams, its Bayes accuracy."""

import numpy as np
import pytest
from mmengine.registry import DATASETS
from scipy.stats import chisquare, kstest

from mcmi_plugin.datasets.synthetic_gaussian import class_means
from mcmi_plugin.errors import UserError


def build(split='train', **options):
    config = dict(
        type='SyntheticGaussian', split=split, pipeline=[], serialize_data=False
    )
    return DATASETS.build({**config, **options})


def arrays(data):
    infos = [data.get_data_info(i) for i in range(len(data))]
    return np.array([i['img'] for i in infos]), np.array([i['gt_label'] for i in infos])


def test_the_vectors_have_the_stated_law():
    vectors, labels = arrays(build(delta=2.0, sigma=3.0))
    assert (vectors.dtype, vectors.shape) == (np.float32, (5000, 30))
    noise = (vectors - class_means(2.0, 0)[labels]) / 3.0
    assert kstest(noise.ravel(), 'norm').pvalue > 0.01
    assert np.abs(np.corrcoef(noise.T) - np.eye(30)).max() < 0.08
    assert chisquare(np.bincount(labels, minlength=10)).pvalue > 0.01


def test_the_means_are_signs_times_delta_the_same_for_all_deltas():
    means = class_means(0.5, seed=3)
    assert (means.shape, set(np.unique(means))) == ((10, 30), {-0.5, 0.0, 0.5})
    assert (class_means(4.0, seed=3) == 8 * means).all()
    assert not np.array_equal(class_means(0.5, seed=4), means)


def test_every_split_has_a_stream_of_its_own():
    test = arrays(build('test', num_test=300))
    train = arrays(build('train', num_train=300))
    assert not np.array_equal(test[1], train[1])
    assert np.abs(test[0][:, None] - train[0][None]).max(-1).min() > 0.1
    again = arrays(build('test', num_test=300, num_train=7, num_val=7))
    assert (again[0] == test[0]).all()
    assert (again[1] == test[1]).all()
    assert not np.array_equal(arrays(build('test', num_test=300, seed=1))[0], test[0])


@pytest.mark.parametrize(
    ('delta', 'accuracy'), [(0.5, 21.1), (1.0, 37.2), (2.0, 72.4), (4.0, 98.9)]
)
def test_the_bayes_accuracy_is_the_known_one(delta, accuracy):
    """By the nearest mean, which is Bayes' rule here; 8 draws of the means."""
    found = []
    for seed in range(8):
        vectors, labels = arrays(build('test', delta=delta, seed=seed, num_test=1000))
        distances = vectors @ class_means(delta, seed).T
        distances = (class_means(delta, seed) ** 2).sum(1) - 2 * distances
        found.append(100 * (distances.argmin(1) == labels).mean())
    assert np.mean(found) == pytest.approx(accuracy, abs=1.5)


@pytest.mark.parametrize(
    ('options', 'line'),
    [
        (dict(split='valid'), "split='valid'; it has 'train', 'val' and 'test'"),
        (dict(num_train=0), 'num_train=0: must be a whole number from 1 on'),
        (dict(sigma=0), 'sigma=0: delta must be 0 or more, sigma above 0'),
    ],
)
def test_what_cannot_be_drawn(options, line):
    with pytest.raises(UserError, match=line):
        build(**options)
