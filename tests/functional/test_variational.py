"""VID's likelihood against scipy's normal distribution."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from mcmi_plugin.functional.variational import gaussian_nll, initial_log_scale


def test_likelihood_of_a_normal_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(3, 4, 2, 2, dtype=torch.float64, generator=generator)
    target = torch.randn(3, 4, 2, 2, dtype=torch.float64, generator=generator)
    log_scale = torch.tensor([-2.0, 0.0, 1.0, 30.0], dtype=torch.float64)
    variance = np.log1p(np.exp(log_scale.numpy())) + 1e-5
    density = norm.logpdf(
        target.numpy(), mean.numpy(), np.sqrt(variance)[None, :, None, None]
    )
    expected = -density.mean() - 0.5 * np.log(2 * np.pi)
    result = gaussian_nll(mean, log_scale, target).item()
    assert result == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize('variance', [0.1, 1.0, 5.0])
def test_initial_variance(variance: float) -> None:
    # With mean and target apart by d, the loss is (d^2 / v + log v) / 2.
    mean, target = torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), 3.0)
    log_scale = torch.tensor([initial_log_scale(variance)])
    expected = (9 / variance + np.log(variance)) / 2
    assert gaussian_nll(mean, log_scale, target).item() == pytest.approx(expected, 1e-5)


def test_gradient_reaches_mean_and_scale_but_not_the_target() -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (2, 3, 2, 2)
    mean = torch.randn(*shape, dtype=torch.float64, generator=generator)
    target = torch.randn(*shape, dtype=torch.float64, generator=generator)
    log_scale = torch.randn(3, dtype=torch.float64, generator=generator)
    for tensor in (mean, target, log_scale):
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda m, s: gaussian_nll(m, s, target), (mean, log_scale)
    )
    gaussian_nll(mean, log_scale, target).backward()
    assert target.grad is None
