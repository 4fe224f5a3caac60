"""The MCMI objective against its definition, autograd and gradcheck."""

import math

import pytest
import torch
from scipy.special import log_softmax, rel_entr

from mcmi_plugin.functional.mcmi import ce_and_kl, safe_lambda, suggested_lambda_range


def problem(dtype=torch.float64, scale=3.0):
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(6, 4, generator=generator, dtype=torch.float64)
    log_q = torch.randn(4, 4, generator=generator, dtype=torch.float64).log_softmax(1)
    labels = torch.tensor([0, 1, 2, 3, 3, 0])
    return logits.to(dtype).requires_grad_(), labels, log_q


def test_by_hand() -> None:
    p, q = torch.tensor([[1 / 4, 3 / 4]]), torch.tensor([[1 / 2, 1 / 2], [1, 0]])
    ce, kl = ce_and_kl(p.log(), torch.tensor([0]), q.log())
    assert ce.item() == pytest.approx(math.log(4))
    assert kl.item() == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))


def test_against_scipy() -> None:
    logits, labels, log_q = problem()
    ce, kl = ce_and_kl(logits, labels, log_q)
    log_p = log_softmax(logits.detach().numpy(), axis=1)
    p, q = torch.from_numpy(log_p).exp().numpy(), log_q.exp().numpy()
    assert ce.tolist() == pytest.approx(-log_p[range(6), labels], rel=1e-12)
    assert kl.tolist() == pytest.approx(rel_entr(p, q[labels]).sum(1), rel=1e-12)


def test_gradients() -> None:
    logits, labels, log_q = problem()
    assert torch.autograd.gradcheck(lambda x: ce_and_kl(x, labels, log_q), logits)
    (gradient,) = torch.autograd.grad(ce_and_kl(logits, labels, log_q)[1].sum(), logits)
    p = logits.softmax(1)
    naive = (p * (p / log_q.exp()[labels]).log()).sum()
    torch.testing.assert_close(gradient, torch.autograd.grad(naive, logits)[0])


def test_centroids_are_constants() -> None:
    logits, labels, log_q = problem()
    log_q.requires_grad_()
    ce, kl = ce_and_kl(logits, labels, log_q)
    (ce - kl).sum().backward()
    assert log_q.grad is None


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype) -> None:
    logits, labels, log_q = problem(dtype)
    exact = ce_and_kl(logits.double(), labels, log_q)
    for value, expected in zip(ce_and_kl(logits, labels, log_q), exact, strict=True):
        assert value.dtype == torch.float32
        torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float32, torch.float64])
def test_gaps_of_5000_stay_finite(dtype) -> None:
    logits = torch.tensor([[0.0, -5000], [-5000, 0]], dtype=dtype, requires_grad=True)
    log_q = torch.tensor([[0.0, -5000], [-5000, 0]])
    ce, kl = ce_and_kl(logits, torch.tensor([0, 0]), log_q)
    size = abs(logits.detach().float().min().item())  # bfloat16 rounds 5000
    assert ce.tolist() == pytest.approx([0, size])
    assert kl.tolist() == pytest.approx([0, 5000])
    (ce - 0.15 * kl).sum().backward()
    assert logits.grad.isfinite().all()


def test_safe_lambda() -> None:
    q = torch.tensor([[0.9, 0.09, 0.01], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]])
    assert safe_lambda(q.log()) == pytest.approx(2 / math.log(90))
    assert safe_lambda(torch.full((3, 3), 1 / 3).log()) == math.inf


def test_suggested_lambda_range() -> None:
    q = torch.tensor([[0.9, 0.09, 0.01], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]])
    low, high = suggested_lambda_range(q.log())
    bound = 2 / math.log(90)
    assert (low, high) == pytest.approx((bound / 20, 2 * bound))
    flat = suggested_lambda_range(torch.full((3, 3), 1 / 3).log())
    assert flat == (0.25, 10)
