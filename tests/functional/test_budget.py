"""Centroids that follow, the controller, and the identity that asks for them."""

import pytest
import torch
import torch.nn.functional as F
from scipy.special import rel_entr, softmax

from mcmi_plugin.functional.budget import (
    LAMBDA_CAP,
    batch_sums,
    budget_lambda,
    followed_centroids,
    moving_average,
)
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import ce_and_kl


def predictions(seed=0, samples=60, classes=5):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(samples, classes, generator=generator, dtype=torch.float64)
    labels = torch.arange(samples) % classes  # unequal once some are taken away
    keep = torch.rand(samples, generator=generator) < 0.7
    return logits[keep], labels[keep]


def centroids(logits, labels):
    p = logits.softmax(1)
    return torch.stack([p[labels == y].mean(0) for y in labels.unique()])


def test_the_identity():
    """mean KL(P||Q0) = CMI + sum_y p(y) KL(Q^y||Q0^y), by SciPy, by us, both 1e-10."""
    logits, labels = predictions()
    q0 = centroids(*predictions(seed=1))
    p, q = softmax(logits.numpy(), axis=1), centroids(logits, labels).numpy()
    y = labels.numpy()
    cmi = rel_entr(p, q[y]).sum(1).mean()
    moved = rel_entr(q, q0.numpy()).sum(1)[y].mean()
    assert moved > 0.1  # or nothing is shown
    rewarded = ce_and_kl(logits, labels, q0.log())[1].mean().item()
    assert rewarded == pytest.approx(cmi + moved, abs=1e-10)
    statistics = ClassStatistics(5)
    statistics.update(logits, labels)
    assert statistics.surrogate(q0.log()) == pytest.approx(cmi + moved, abs=1e-10)
    assert statistics.cmi() == pytest.approx(cmi, abs=1e-10)


def test_a_constant_q_gives_the_gradient_of_the_cmi_only_where_it_is_the_mean():
    logits, labels = predictions()
    logits.requires_grad_()
    p = logits.softmax(1)
    # The CMI itself, differentiated through its centroids too.
    q = torch.stack([p[labels == y].mean(0) for y in range(5)])
    cmi = (p * (p / q[labels]).log()).sum(1).mean()
    (exact,) = torch.autograd.grad(cmi, logits, retain_graph=True)

    def constant(log_q):
        kl = ce_and_kl(logits, labels, log_q)[1].mean()
        return torch.autograd.grad(kl, logits)[0]

    torch.testing.assert_close(constant(q.log()), exact, rtol=1e-10, atol=1e-14)
    elsewhere = constant(centroids(*predictions(seed=1)).log())
    assert (elsewhere - exact).abs().max() > 0.01 * exact.abs().max()


def test_sums_of_a_batch():
    logits, labels = predictions()
    labels = labels.where(labels != 2, 3)  # class 2 is absent
    prob_sums, counts, ce_sum = batch_sums(logits, labels)
    for y in range(5):
        expected = logits[labels == y].softmax(1).sum(0)
        torch.testing.assert_close(prob_sums[y], expected)
    assert counts.tolist() == torch.bincount(labels, minlength=5).tolist()
    expected = F.cross_entropy(logits, labels, reduction='sum')
    torch.testing.assert_close(ce_sum, expected)


def test_centroids_follow_by_one_per_cent_where_there_are_samples():
    q = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    sums = torch.tensor([[2.0, 1, 0], [0, 0, 0], [0.5, 0.5, 0]])
    new = followed_centroids(q.log(), sums, torch.tensor([3.0, 0, 1])).exp()
    expected = q.clone()
    expected[0] = 0.99 * q[0] + 0.01 * sums[0] / 3
    expected[2] = 0.99 * q[2] + 0.01 * sums[2]
    torch.testing.assert_close(new, expected)


def test_followed_centroids_stay_above_the_floor():
    log_q = torch.tensor([[0.0, -5000], [-5000, 0]])
    new = followed_centroids(log_q, torch.tensor([[1.0, 0], [0, 0]]), torch.eye(2)[0])
    assert new[0].exp().tolist() == pytest.approx([1, 1e-12], rel=1e-5, abs=0)
    assert torch.equal(new[1], log_q[1])  # no sample of it, no change


def test_the_average_is_over_a_quarter_of_an_epoch():
    start, ce = torch.tensor(0.5), torch.tensor(1.5)
    assert moving_average(start, ce, torch.tensor(40)).item() == pytest.approx(0.6)
    assert moving_average(start, ce, torch.tensor(2)).item() == 1.5  # no overshoot


@pytest.mark.parametrize(
    ('rise', 'epochs', 'share'),
    [
        (0.0, 1, 1),
        (-1, 3, 1),
        (0.01, 1, 0.5),
        (0.02, 1, 0),
        (9, 1, 0),
        (0.01, 0.5, 0.25),
    ],
)
def test_lambda_is_what_is_left_of_the_budget(rise, epochs, share):
    start = torch.tensor(0.3, dtype=torch.float64)
    lmda = budget_lambda(start + rise, start, 0.02, torch.tensor(epochs))
    assert lmda.item() == pytest.approx(LAMBDA_CAP * share, abs=1e-9)
    assert LAMBDA_CAP == 5


def test_without_a_budget_any_rise_lets_go():
    start, epochs = torch.tensor(0.3), torch.tensor(1)
    for rise, expected in ((1e-6, 0), (0, 0), (-1e-6, LAMBDA_CAP)):
        assert budget_lambda(start + rise, start, 0, epochs) == expected
