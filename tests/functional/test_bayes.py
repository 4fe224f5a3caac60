"""The known BCPD against SciPy's densities, and the distance to it."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from mcmi_plugin.functional.bayes import gaussian_posterior, pdist


def test_the_posterior_is_bayes_rule_on_the_densities():
    random = np.random.RandomState(0)
    means, points = random.randn(4, 3) * 2, random.randn(50, 3) * 3
    densities = np.stack(
        [multivariate_normal(mean, 1.7**2 * np.eye(3)).pdf(points) for mean in means], 1
    )
    expected = densities / densities.sum(1, keepdims=True)
    weight, bias = gaussian_posterior(torch.from_numpy(means), sigma=1.7)
    found = (torch.from_numpy(points) @ weight.T + bias).softmax(1)
    assert np.allclose(found, expected, rtol=0, atol=1e-14)


def test_distances_by_hand():
    # (0.5, 0.5) and (0.9, 0.1): sqrt(2 * 0.4^2).
    logits = torch.tensor([[0.0, 0.0], [0.0, np.log(9)], [500.0, -500.0]])
    true = torch.tensor([[np.log(9), 0.0], [0.0, np.log(9)], [-500.0, 500.0]])
    expected = [np.sqrt(0.32), 0, np.sqrt(2)]
    assert np.allclose(pdist(logits.float(), true), expected, atol=1e-7)
    # A constant in the logits of a sample is no part of its distribution.
    assert np.allclose(pdist(logits.float() + 3, true - 5), expected, atol=1e-6)
    assert pdist(logits.half(), true).dtype == torch.float64


def test_batches_add_up():
    logits, true = torch.randn(2, 30, 10).unbind()
    parts = [pdist(a, b) for a, b in zip(logits.split(7), true.split(7), strict=True)]
    assert torch.equal(torch.cat(parts), pdist(logits, true))


@pytest.mark.parametrize('shapes', [((3, 4), (3, 5)), ((4,), (4,))])
def test_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match=r'both must be \[B, C\]'):
        pdist(*map(torch.zeros, shapes))


def test_a_posterior_that_cannot_be():
    with pytest.raises(ValueError, match='sigma above 0'):
        gaussian_posterior(torch.zeros(3, 2), 0)
