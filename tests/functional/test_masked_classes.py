"""A logit of -inf takes its class out: the same as a network without that class."""

import pytest
import torch
from mmengine.registry import MODELS
from torch import Tensor

import mcmi_plugin.losses  # noqa: F401  registers CMILoss
from mcmi_plugin.functional.budget import batch_sums, followed_centroids
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import ce_and_kl, safe_lambda
from mcmi_plugin.functional.temperature import TemperatureCurve

C, B, MASKED = 5, 40, 3
KEPT = [c for c in range(C) if c != MASKED]


@pytest.fixture(params=[True, False], ids=['with tail', 'without'])
def batch(request) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """[B, C] logits with a mask, their labels, and both without the masked class."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(B, C, generator=generator, dtype=torch.float64)
    if request.param:
        logits[:, 0] *= 500  # probabilities below 1e-304 too
    labels = torch.tensor(KEPT)[torch.arange(B) % len(KEPT)]
    logits[:, MASKED] = -torch.inf
    dropped = torch.searchsorted(torch.tensor(KEPT), labels)
    return logits, labels, logits[:, KEPT], dropped


def statistics_of(logits: Tensor, labels: Tensor, **options) -> ClassStatistics:
    statistics = ClassStatistics(logits.shape[1], **options)
    for part in torch.arange(len(labels)).split(16):
        statistics.update(logits[part], labels[part])
    return statistics


@pytest.mark.parametrize('track_tail', [True, False])
def test_statistics(batch, track_tail: bool) -> None:
    logits, labels, without, dropped = batch
    masked = statistics_of(logits, labels, track_tail=track_tail)
    expected = statistics_of(without, dropped, track_tail=track_tail)

    assert masked.is_finite()
    for name in ('cmi', 'log_likelihood', 'entropy', 'accuracy'):
        value, wanted = getattr(masked, name)(), getattr(expected, name)()
        assert value == pytest.approx(wanted, abs=1e-13), name
    log_q = torch.randn(C, C, dtype=torch.float64).log_softmax(1)
    log_q[:, MASKED] = -torch.inf  # as that class's own centroids have it
    q_dropped = log_q[KEPT][:, KEPT]
    wanted = expected.surrogate(q_dropped)
    assert masked.surrogate(log_q) == pytest.approx(wanted, abs=1e-9)


def centroids_of(logits: Tensor, labels: Tensor) -> Tensor:
    """With a sample of every class, the masked one's own included."""
    statistics = statistics_of(logits, labels)
    if MASKED not in labels and logits.shape[1] == C:
        row = torch.zeros(1, C, dtype=torch.float64)
        statistics.update(row, torch.tensor([MASKED]))
    return statistics.log_centroids()


def test_centroids_and_the_lambda_that_they_bear(batch) -> None:
    logits, labels, without, dropped = batch
    log_q, wanted = centroids_of(logits, labels), centroids_of(without, dropped)
    torch.testing.assert_close(log_q[KEPT][:, KEPT], wanted, atol=1e-12, rtol=0)
    assert (log_q[KEPT][:, MASKED] == -torch.inf).all()
    assert safe_lambda(log_q) == pytest.approx(safe_lambda(wanted), rel=1e-9)


def test_objective_and_its_gradient(batch) -> None:
    logits, labels, without, dropped = batch
    results = []
    for scores, y in ((logits, labels), (without, dropped)):
        scores = scores.clone().requires_grad_()
        ce, kl = ce_and_kl(scores, y, centroids_of(scores.detach(), y))
        (ce - 0.3 * kl).sum().backward()
        results.append((ce, kl, scores.grad))
    (ce, kl, grad), (wanted_ce, wanted_kl, wanted_grad) = results
    torch.testing.assert_close(ce, wanted_ce)
    torch.testing.assert_close(kl, wanted_kl)
    torch.testing.assert_close(grad[:, KEPT], wanted_grad)
    assert (grad[:, MASKED] == 0).all()


def test_what_follows_the_model(batch) -> None:
    logits, labels, without, dropped = batch
    *_, counts, ce = sums = batch_sums(logits, labels)
    assert ce == pytest.approx(batch_sums(without, dropped)[2].item())
    moved = followed_centroids(
        torch.full((C, C), 1 / C, dtype=torch.float64).log(), *sums[:2]
    )
    assert moved.isfinite().all() and counts.sum() == B


def test_temperatures(batch) -> None:
    curves = []
    for logits, labels in (batch[:2], batch[2:]):
        curve = TemperatureCurve(logits.shape[1])
        curve.update(logits, labels)
        curves.append(curve.points())
    for point, wanted in zip(*curves, strict=True):
        assert point == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    'options',
    [
        dict(lmda=0.0),
        dict(lmda=0.3),
        dict(lmda=0.3, form='ema'),
        dict(lmda=None, form='budget', eps=0.02),
        dict(lmda=0.3, reward='wrong_class'),
        dict(lmda=0.3, reward='entropy'),
        dict(lmda=0.3, reward='negative_entropy'),
        dict(lmda=0.3, reward='label_smoothing'),
    ],
    ids=lambda options: '-'.join(map(str, options.values())),
)
def test_cmi_loss(batch, options: dict) -> None:
    results = []
    for scores, labels in (batch[:2], batch[2:]):
        loss = MODELS.build(
            dict(type='CMILoss', num_classes=scores.shape[1], **options)
        ).double()
        loss.set_centroids(centroids_of(scores, labels))
        if loss.controller is not None:
            loss.controller.start(0.1, 10)
        scores = scores.clone().requires_grad_()
        loss(scores, labels).backward()
        results.append(scores.grad)
    grad, wanted = results
    torch.testing.assert_close(grad[:, KEPT], wanted)
    assert (grad[:, MASKED] == 0).all()
