"""Every dtype, gaps of logits up to 5,000, 2 to 21,841 classes, batches of one.

The oracle is float64 in NumPy and SciPy, on the logits as they are after rounding
to their dtype. That one pass equals two, whatever the order, the batches and the
shift of the logits, is tested in test_information.py.

The slow test needs 16 GB of memory:

    pytest -m slow tests/functional/test_numbers.py
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, rel_entr

from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import ce_and_kl

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
IMAGENET_21K = 21_841
GAP = 5_000.0

problems = given(
    seed=st.integers(0, 2**31),
    batch=st.integers(1, 9),
    classes=st.sampled_from([2, 3, 10, 101, 1000]),
    gap=st.just(0.0) | st.floats(1e-3, GAP),
)


def random_logits(seed: int, batch: int, classes: int, gap: float, dtype):
    """[B, C] logits, the largest and the smallest of which are ``gap`` apart."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.rand(batch, classes, generator=generator, dtype=torch.float64)
    logits[0, 0], logits[0, -1] = 0, 1
    labels = torch.randint(classes, (batch,), generator=generator)
    return (gap * logits).to(dtype), labels


def rows_of_centroids(seed: int, classes: int, gap: float):
    """``log Q`` in the memory of one row, the same for every class."""
    row = random_logits(seed + 1, 1, classes, gap, torch.float64)[0].log_softmax(1)
    return row.float().expand(classes, classes)


def oracle(logits, labels, log_centroids):
    log_p = log_softmax(logits.double().numpy(), axis=1)
    log_q = log_centroids[labels].double().numpy()
    kl = (np.exp(log_p) * (log_p - log_q)).sum(1)
    return -log_p[range(len(labels)), labels], kl, log_p, log_q


def assert_within_rounding(value, expected, size, dtype):
    """Within a few units in the last place of the largest number in the sum."""
    unit = torch.finfo(torch.promote_types(dtype, torch.float32)).eps
    np.testing.assert_allclose(
        value.detach().double().numpy(), expected, rtol=8 * unit, atol=8 * unit * size
    )


@pytest.mark.parametrize('dtype', DTYPES)
@settings(max_examples=25, deadline=None)
@problems
def test_ce_and_kl_and_their_gradient(dtype, seed, batch, classes, gap) -> None:
    logits, labels = random_logits(seed, batch, classes, gap, dtype)
    log_centroids = rows_of_centroids(seed, classes, gap)
    ce, kl, log_p, log_q = oracle(logits, labels, log_centroids)
    size = 1 + np.abs(log_p).max() + np.abs(log_q).max()

    logits.requires_grad_()
    found_ce, found_kl = ce_and_kl(logits, labels, log_centroids)
    assert_within_rounding(found_ce, ce, size, dtype)
    assert_within_rounding(found_kl, kl, size, dtype)
    # d KL / d logit_j = P_j (log P_j - log Q_j - KL), eq. 14 differentiated by hand.
    (gradient,) = torch.autograd.grad(found_kl.sum(), logits)
    by_hand = np.exp(log_p) * (log_p - log_q - kl[:, None])
    unit = max(torch.finfo(dtype).eps, torch.finfo(torch.float32).eps)
    np.testing.assert_allclose(
        gradient.double().numpy(), by_hand, rtol=0, atol=16 * unit * size
    )


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@settings(max_examples=15, deadline=None)
@problems
def test_under_autocast(dtype, seed, batch, classes, gap) -> None:
    """The logits come from a layer in half precision, as with ``--amp``."""
    wanted, labels = random_logits(seed, batch, classes, gap, torch.float32)
    weights = wanted.T.clone().requires_grad_()  # of a layer that reads one-hots
    log_centroids = rows_of_centroids(seed, classes, gap)
    statistics = ClassStatistics(classes)
    with torch.autocast('cpu', dtype=dtype):
        logits = torch.nn.functional.linear(torch.eye(batch), weights)
        assert logits.dtype == dtype
        found_ce, found_kl = ce_and_kl(logits, labels, log_centroids)
        statistics.update(logits, labels)
    logits = logits.detach()
    ce, kl, log_p, log_q = oracle(logits, labels, log_centroids)
    size = 1 + np.abs(log_p).max() + np.abs(log_q).max()
    assert_within_rounding(found_ce, ce, size, torch.float32)
    assert_within_rounding(found_kl, kl, size, torch.float32)
    (found_ce - 0.1 * found_kl).mean().backward()
    assert weights.grad.isfinite().all()
    assert statistics.log_likelihood() == pytest.approx(-ce.mean(), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    counts=st.lists(st.integers(0, 5), min_size=2, max_size=40),
    gap=st.floats(0, GAP),
    dtype=st.sampled_from(DTYPES),
)
def test_no_cmi_where_predictions_agree_within_a_class(
    seed, counts, gap, dtype
) -> None:
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    one_each, _ = random_logits(seed, len(counts), len(counts), gap, dtype)
    statistics = ClassStatistics(len(counts))
    for label in labels:  # in batches of one
        statistics.update(one_each[label][None], label[None])
    if len(labels):
        assert 0 <= statistics.cmi() < 1e-13
        assert statistics.is_finite()


@settings(max_examples=25, deadline=None)
@problems
def test_a_class_with_one_sample(seed, batch, classes, gap) -> None:
    """It has no CMI, and its centroid is that sample's prediction."""
    logits, labels = random_logits(seed, batch, classes, gap, torch.float64)
    labels[0], labels[1:] = 0, 1
    statistics = ClassStatistics(classes)
    statistics.update(logits, labels)
    p = np.exp(log_softmax(logits.numpy(), axis=1))
    p[p < 1e-300] = 0  # the mean of the smallest floats is 0, and theirs to it inf
    others = rel_entr(p[1:], p[1:].mean(0)) if batch > 1 else np.zeros(1)
    expected = others.sum() / batch
    assert statistics.cmi() == pytest.approx(expected, abs=1e-12)
    assert 0 <= statistics.cmi_per_class()[0] < 1e-13
    np.testing.assert_allclose(statistics.prob_sum[0], p[0], rtol=1e-13, atol=1e-299)


@pytest.mark.parametrize('dtype', DTYPES[:3])
def test_the_loss_of_21841_classes(dtype) -> None:
    logits, labels = random_logits(0, 4, IMAGENET_21K, GAP, dtype)
    log_centroids = rows_of_centroids(0, IMAGENET_21K, GAP)
    ce, kl, log_p, log_q = oracle(logits, labels, log_centroids)
    size = 1 + np.abs(log_p).max() + np.abs(log_q).max()
    logits.requires_grad_()
    found_ce, found_kl = ce_and_kl(logits, labels, log_centroids)
    assert_within_rounding(found_ce, ce, size, dtype)
    assert_within_rounding(found_kl, kl, size, dtype)
    (found_ce - 0.1 * found_kl).mean().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.slow
def test_the_statistics_of_21841_classes() -> None:
    """One table of [C, C] in float64 is 3.8 GB; three of them exist at a time."""
    labels = torch.tensor([0, IMAGENET_21K - 1, 0, 7, 0])
    logits, _ = random_logits(0, len(labels), IMAGENET_21K, 30.0, torch.float32)
    log_p = log_softmax(logits.double().numpy(), axis=1)
    p = np.exp(log_p)
    of_first = p[labels == 0]
    cmi = rel_entr(of_first, of_first.mean(0)).sum() / len(labels)
    ll = log_p[range(len(labels)), labels].mean()

    statistics = ClassStatistics(IMAGENET_21K)
    for x, y in zip(logits.split(2), labels.split(2), strict=True):
        statistics.update(x, y)
    assert statistics.cmi() == pytest.approx(cmi, rel=1e-12)
    assert statistics.log_likelihood() == pytest.approx(ll, rel=1e-12)
    assert len(statistics.missing_classes()) == IMAGENET_21K - 3
    assert math.isnan(statistics.cmi_per_class()[1])
