"""Which term of the loss was the first to go bad."""

import math

import pytest
from mmengine.logging import HistoryBuffer

from mcmi_plugin.hooks.finite_loss_hook import first_not_finite


def recorded(**terms):
    """As the message hub keeps them: the sum first, as mmengine does."""
    total = [sum(values) for values in zip(*terms.values(), strict=True)]
    return {
        f'train/{name}': HistoryBuffer(values, [1] * len(values))
        for name, values in dict(loss=total, **terms).items()
    }


@pytest.mark.parametrize(
    ('terms', 'first'),
    [
        (dict(loss_a=[1.0, 2, 3], loss_b=[1.0, 1, 1]), None),
        (dict(loss_a=[1.0, 2, 3], loss_b=[1.0, math.nan, 1]), ('loss_b', 1)),
        (dict(loss_a=[1.0, 2, math.nan], loss_b=[1.0, math.inf, 1]), ('loss_b', 1)),
        # Both at once: the model's order. The sum is bad too, but never to blame.
        (dict(loss_a=[1.0, math.nan, 1], loss_b=[1.0, math.nan, 1]), ('loss_a', 1)),
        # Finite terms, whose sum is not: only the sum can be named.
        (dict(loss_a=[1.0, 1.7e308, 1], loss_b=[1.0, 1.7e308, 1]), ('loss', 1)),
        # Before what is looked at.
        (dict(loss_a=[math.nan, 2, 3], loss_b=[1.0, 1, 1]), None),
    ],
)
def test_first_not_finite(terms, first):
    found = first_not_finite(recorded(**terms), new=2)
    assert (found and (found[0], found[2])) == first


def test_a_gradient_may_be_infinite():
    """Where it overflows, the loss scaler skips the step."""
    scalars = recorded(loss_a=[1.0, 2.0])
    scalars['train/grad_norm'] = HistoryBuffer([1.0, math.inf], [1, 1])
    scalars['val/loss'] = HistoryBuffer([math.nan], [1])
    assert first_not_finite(scalars, new=2) is None


def test_nothing_new():
    assert first_not_finite(recorded(loss_a=[math.nan]), new=0) is None
