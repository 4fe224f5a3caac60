"""Distances to people's answers, against NumPy and SciPy on the written-out sums."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, rel_entr, softmax

from mcmi_plugin.functional.people import against_people, halves, likeness, shares


@pytest.fixture
def drawn():
    """Logits and counts of 400 images, five classes; most answers are one class."""
    random = np.random.RandomState(0)
    true = softmax(3 * random.randn(400, 5), axis=1)
    counts = np.stack([random.multinomial(50, p) for p in true])
    logits = 2 * np.log(true) + random.randn(400, 5)
    return logits, counts


def test_shares():
    found = shares(torch.tensor([[3, 1], [0, 5]], dtype=torch.uint8))
    assert found.tolist() == [[0.75, 0.25], [0, 1]]
    assert found.dtype == torch.float64


@pytest.mark.parametrize(
    ('counts', 'words'),
    [
        ([1.0, 2.0], r'\[N, C\]'),
        ([[1.0, -1.0]], 'from 0 on'),
        ([[1.0, np.nan]], 'finite'),
        ([[1.0, 0.0], [0.0, 0.0]], 'nobody has named image 1'),
    ],
)
def test_counts_that_cannot_be(counts, words):
    with pytest.raises(ValueError, match=words):
        shares(torch.tensor(counts))


def test_likeness(drawn):
    logits, counts = drawn
    probs, people = softmax(logits, axis=1), counts / counts.sum(1, keepdims=True)
    found = likeness(torch.from_numpy(logits), shares(torch.from_numpy(counts)))
    expected = dict(
        distance=np.mean([np.linalg.norm(row) for row in probs - people]),
        kl=rel_entr(people, probs).sum(1).mean(),
        correlation=stats.pearsonr(probs.ravel(), people.ravel())[0],
        entropy=stats.entropy(probs, axis=1).mean(),
        people_entropy=stats.entropy(people, axis=1).mean(),
        entropy_correlation=stats.pearsonr(
            stats.entropy(probs, axis=1), stats.entropy(people, axis=1)
        )[0],
    )
    assert (people == 0).any()  # 0 log 0
    assert found == pytest.approx(expected, rel=1e-10)


def test_people_themselves_are_no_way_off():
    people = shares(torch.tensor([[8, 2, 0], [1, 1, 2], [0, 5, 0]]))
    found = likeness(people.log(), people)
    assert found['distance'] == pytest.approx(0, abs=1e-15)
    assert found['kl'] == pytest.approx(0, abs=1e-15)
    for key in ('correlation', 'entropy_correlation'):
        assert found[key] == pytest.approx(1)


def test_a_class_that_a_classifier_rules_out_and_people_name():
    people = shares(torch.tensor([[1, 1], [2, 0]]))
    found = likeness(torch.tensor([[0.0, -torch.inf], [0.0, 0.0]]), people)
    assert found['kl'] == np.inf
    assert found['distance'] == pytest.approx(np.sqrt(0.5))


def test_the_temperature_is_chosen_on_the_other_half(drawn):
    logits, counts = drawn
    people = counts / counts.sum(1, keepdims=True)
    first, second = (half.numpy() for half in halves(len(logits)))
    assert sorted([*first, *second]) == list(range(400))
    assert min(len(first), len(second)) == 200

    def cross(log_t):
        log_probs = log_softmax(logits[first] / np.exp(log_t), axis=1)
        return -(people[first] * log_probs).sum(1).mean()

    best = np.exp(minimize_scalar(cross, bounds=(-2, 3), method='bounded').x)
    tensors = torch.from_numpy(logits), shares(torch.from_numpy(counts))
    found = against_people(*tensors)
    assert best > 1.2
    assert found['temperature'] == pytest.approx(best, rel=0.011)  # steps of 2 %
    # What is said is of the images that did not choose.
    assert found['num_samples'] == 200
    for part, temperature in (('as_is', 1), ('fitted', found['temperature'])):
        rest = likeness(tensors[0][second] / temperature, tensors[1][second])
        assert found[part] == pytest.approx(rest)
    assert found['fitted']['kl'] < found['as_is']['kl']


def test_both_halves_have_every_class_of_sorted_images():
    """A folder's images come class by class."""
    labels = np.repeat(np.arange(10), 100)
    for half in halves(1000):
        assert np.bincount(labels[half.numpy()]).min() > 30
