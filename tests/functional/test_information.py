"""ClassStatistics against two-pass definitions in numpy and scipy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr, log_softmax, logsumexp, rel_entr

from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.one_pass import collect


def two_pass(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Equations 5, 12 and 13 as they are written."""
    x, y = logits.double().numpy(), labels.numpy()
    log_p = log_softmax(x, axis=1)
    p = np.exp(log_p)
    q = np.stack([p[y == c].mean(0) if (y == c).any() else p[0] for c in y])
    return {
        'cmi': rel_entr(p, q).sum(1).mean(),
        'log_likelihood': log_p[np.arange(len(y)), y].mean(),
        'entropy': entr(p).sum(1).mean(),
        'accuracy': 100 * (x.argmax(1) == y).mean(),
    }


def one_pass(logits, labels, batch_size=None, track_tail=True) -> ClassStatistics:
    statistics = ClassStatistics(logits.shape[1], track_tail=track_tail)
    size = batch_size or len(labels)
    for x, y in zip(logits.split(size), labels.split(size), strict=True):
        statistics.update(x, y)
    return statistics


def measures(statistics: ClassStatistics) -> dict[str, float]:
    names = ('cmi', 'log_likelihood', 'entropy', 'accuracy')
    return {name: getattr(statistics, name)() for name in names}


def random_set(seed=0, n=200, c=7, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n, c, generator=generator)
    labels = torch.randint(c, (n,), generator=generator)
    labels[:c] = torch.arange(c)
    return logits, labels


def test_by_hand() -> None:
    # Class 0 is predicted (3/4, 1/4) and (1/4, 3/4): Q^0 = (1/2, 1/2).
    # Class 1 has the one sample (1/3, 2/3), which is its own centroid.
    p = torch.tensor([[3 / 4, 1 / 4], [1 / 4, 3 / 4], [1 / 3, 2 / 3]]).double()
    statistics = ClassStatistics(2)
    statistics.update(p.log(), torch.tensor([0, 0, 1]))
    kl = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    ll = (math.log(3 / 4) + math.log(1 / 4) + math.log(2 / 3)) / 3
    centroids = torch.tensor([[1 / 2, 1 / 2], [1 / 3, 2 / 3]]).double()
    assert statistics.cmi() == pytest.approx(2 / 3 * kl, abs=1e-15)
    assert statistics.cmi_per_class().tolist() == pytest.approx([kl, 0], abs=1e-15)
    assert statistics.log_likelihood() == pytest.approx(ll, abs=1e-15)
    assert statistics.accuracy() == pytest.approx(200 / 3, abs=1e-12)
    torch.testing.assert_close(statistics.log_centroids(), centroids.log())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 60),
    c=st.integers(2, 9),
    scale=st.just(0.0) | st.floats(1e-3, 60),
    batch_size=st.integers(1, 60),
    shift=st.floats(-100, 100),
)
def test_properties(seed, n, c, scale, batch_size, shift) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n, c, generator=generator, dtype=torch.float64)
    labels = torch.randint(c, (n,), generator=generator)
    reference = two_pass(logits, labels)
    order = torch.randperm(n, generator=generator)
    for statistics in (
        one_pass(logits, labels, batch_size),
        one_pass(logits[order], labels[order], batch_size),
        one_pass(logits + shift, labels),
    ):
        assert measures(statistics) == pytest.approx(reference, abs=1e-12, rel=1e-12)
        assert statistics.cmi() >= 0
        assert statistics.counts.tolist() == labels.bincount(minlength=c).tolist()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_logits_are_summed_in_float64(dtype) -> None:
    logits, labels = random_set()
    logits = logits.to(dtype)
    reference = two_pass(logits, labels)
    assert measures(one_pass(logits, labels)) == pytest.approx(reference, abs=1e-12)


@pytest.mark.parametrize('gap', [1e-3, 1.0, 30.0, 800.0])
def test_equal_predictions_within_a_class_have_no_cmi(gap: float) -> None:
    labels = torch.arange(5).repeat(33)
    logits = gap * torch.randn(5, 5, dtype=torch.float64)[labels]
    statistics = one_pass(logits, labels, 8)
    assert 0 <= statistics.cmi() < 1e-14
    assert (statistics.cmi_per_class() >= 0).all()


@pytest.mark.parametrize('scale', [1.0, 30.0, 300.0, 1700.0])
@pytest.mark.parametrize('batch_size', [1, 7, 60])
def test_log_centroids_against_log_space_oracle(scale, batch_size) -> None:
    logits, labels = random_set(n=60, c=4, scale=scale)
    logits[::3] /= 100  # ordinary predictions among the extreme ones
    logits[labels == 2] = torch.tensor([0.0, -scale, 0, -5000])
    log_p = log_softmax(logits.double().numpy(), axis=1)
    expected = np.stack(
        [
            logsumexp(log_p[labels == c], axis=0) - np.log((labels == c).sum().item())
            for c in range(4)
        ]
    )
    assert expected.min() < -4000
    statistics = one_pass(logits, labels, batch_size)
    np.testing.assert_allclose(statistics.log_centroids(), expected, rtol=1e-13)
    assert measures(statistics) == pytest.approx(two_pass(logits, labels), abs=1e-12)


@pytest.mark.parametrize('log_prob', [-699.0, -701.0, -730.0, -744.0, -746.0])
def test_log_centroid_where_float64_begins_to_underflow(log_prob: float) -> None:
    statistics = ClassStatistics(2)
    logits = torch.tensor([[0, log_prob]]).double()
    for _ in range(3):
        statistics.update(logits.repeat(2, 1), torch.tensor([0, 1]))
    expected = torch.tensor([[0, log_prob]] * 2).double()
    torch.testing.assert_close(
        statistics.log_centroids(), expected, rtol=1e-15, atol=1e-15
    )


def test_without_tail_only_underflown_centroids_differ() -> None:
    logits, labels = random_set(n=60, c=4)
    logits[labels == 1, 2] = -1500
    exact = one_pass(logits, labels)
    plain = one_pass(logits, labels, track_tail=False)
    assert measures(plain) == pytest.approx(measures(exact), abs=1e-12)
    log_q, log_q_plain = exact.log_centroids(), plain.log_centroids()
    kept = log_q > -700
    assert (~kept).sum() == 1 and log_q_plain[1, 2] == -math.inf
    torch.testing.assert_close(log_q_plain[kept], log_q[kept])


def test_surrogate_is_cmi_plus_the_drift_of_the_centroids() -> None:
    logits, labels = random_set(1)
    before, after = random_set(2), one_pass(logits, labels)
    log_q0 = one_pass(*before).log_centroids()
    p, q0 = logits.double().softmax(1).numpy(), log_q0.exp().numpy()
    direct = rel_entr(p, q0[labels]).sum(1).mean()
    weight = after.counts.double() / len(labels)
    q = after.log_centroids().exp().numpy()
    drift = (weight * torch.from_numpy(rel_entr(q, q0).sum(1))).sum().item()
    assert after.surrogate(log_q0) == pytest.approx(direct, rel=1e-12)
    assert after.surrogate(log_q0) == pytest.approx(after.cmi() + drift, rel=1e-12)
    assert after.surrogate(after.log_centroids()) == pytest.approx(after.cmi())


def test_surrogate_where_a_centroid_entry_is_zero() -> None:
    statistics = ClassStatistics(2)
    statistics.update(torch.tensor([[0.0, -9000]]), torch.tensor([0]))
    certain = torch.tensor([[0.0, -math.inf], [-math.inf, 0]])
    assert statistics.surrogate(certain) == 0
    statistics.update(torch.tensor([[0.0, 0]]), torch.tensor([0]))
    assert statistics.surrogate(certain) == math.inf


def test_class_without_a_sample() -> None:
    logits, labels = random_set()
    keep = (labels != 2) & (labels != 5)
    statistics = one_pass(logits[keep], labels[keep])
    assert statistics.missing_classes() == [2, 5]
    with pytest.raises(ValueError, match='2 of 7 classes, they have no sample: 2, 5$'):
        statistics.log_centroids()
    assert statistics.cmi_per_class().isnan().nonzero().flatten().tolist() == [2, 5]
    reference = two_pass(logits[keep], labels[keep])
    assert measures(statistics) == pytest.approx(reference, abs=1e-12)


def test_no_sample_at_all() -> None:
    statistics = ClassStatistics(3)
    statistics.update(torch.empty(0, 3), torch.empty(0, dtype=torch.int64))
    assert statistics.missing_classes() == [0, 1, 2]
    assert all(math.isnan(value) for value in measures(statistics).values())


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_not_finite(value: float) -> None:
    logits, labels = random_set()
    assert one_pass(logits, labels).is_finite()
    logits[3, 1] = value
    statistics = one_pass(logits, labels)
    assert not statistics.is_finite()
    assert math.isnan(statistics.cmi())


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (torch.tensor([0, 3]), r'label 3 is not in \[0, 3\)'),
        (torch.tensor([-1, 0]), r'label -1 is not in \[0, 3\)'),
        (torch.tensor([0.0, 1.0]), 'hard labels are needed'),
        (torch.eye(3)[:2].long(), 'hard labels are needed'),
        (torch.tensor([0, 1, 2]), r'must be \[3, 3\].*got \[2, 3\]'),
    ],
)
@pytest.mark.parametrize('track_tail', [True, False])
def test_bad_labels(labels, message, track_tail) -> None:
    statistics = ClassStatistics(3, track_tail=track_tail)
    with pytest.raises(ValueError, match=message):
        statistics.update(torch.zeros(2, 3), labels)
    assert statistics.counts.sum() == 0


def test_without_a_look_the_figures_are_the_same() -> None:
    """As on a device, where a look at values would be to wait."""
    logits = torch.randn(40, 5, generator=torch.Generator().manual_seed(0)).double()
    logits[::3, 1] -= 2000  # into the tail
    labels = torch.arange(40) % 5
    looked, blind = ClassStatistics(5), ClassStatistics(5)
    blind._looks = False
    for part in range(0, 40, 8):
        for statistics in (looked, blind):
            statistics.update(logits[part : part + 8], labels[part : part + 8])
    torch.testing.assert_close(blind.log_centroids(), looked.log_centroids())
    assert (blind.cmi(), blind.accuracy()) == (looked.cmi(), looked.accuracy())


def test_without_a_look_a_bad_label_is_told_at_the_end() -> None:
    statistics = ClassStatistics(3)
    statistics._looks = False
    statistics.update(torch.zeros(2, 3), torch.tensor([1, 3]))
    for figures in (statistics.cmi, statistics.all_reduce, statistics.log_centroids):
        with pytest.raises(ValueError, match=r'a label is not in \[0, 3\)'):
            figures()


def test_begun_anew_in_the_same_memory() -> None:
    statistics = ClassStatistics(3)
    kept = statistics.prob_sum
    statistics.update(torch.tensor([[0.0, -2000.0, 1.0]]), torch.tensor([0]))
    statistics.reset()
    statistics.update(torch.zeros(3, 3), torch.arange(3))
    assert statistics.prob_sum is kept
    third = torch.full((3, 3), 1 / 3, dtype=torch.float64)
    torch.testing.assert_close(
        statistics.log_centroids().double().exp(), third, rtol=0, atol=1e-6
    )


def test_no_graph_is_kept() -> None:
    logits, labels = random_set()
    statistics = ClassStatistics(7)
    statistics.update(logits.requires_grad_(), labels)
    statistics.update_log_probs(logits.log_softmax(1), labels)
    assert not statistics.prob_sum.requires_grad


def test_collect_runs_without_gradient_in_the_mode_it_finds() -> None:
    logits, labels = random_set()
    network = torch.nn.Linear(7, 7).train()

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        assert not torch.is_grad_enabled() and network.training
        return network(inputs)

    batches = zip(logits.split(32), labels.split(32), strict=True)
    reference = two_pass(network(logits).detach(), labels)
    result = measures(collect(forward, batches, 7))
    assert result == pytest.approx(reference, abs=1e-6)
