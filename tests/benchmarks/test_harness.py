"""Ratios, medians and the order of rounds, by a clock that tells what it is told."""

import pytest
import torch
from torch import nn

from benchmarks.harness import (
    Contest,
    Difference,
    measure,
    require_close,
    require_same_training,
    weights_of,
)


class Clock:
    """Time passes only when work is done."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def contest(clock, log, ours, baseline, check=lambda: None, **kwargs):
    """Every call takes the next of the given times."""

    def work(name, times):
        times = iter(times)

        def call():
            log.append(name)
            clock.now += next(times)

        return call

    return Contest(
        'a suite', work('A', ours), work('B', baseline), check, '', '', **kwargs
    )


def test_ratio_is_the_median_of_the_rounds_ratios():
    clock = Clock()
    # Drift: the machine is five times slower in the second round.
    fight = contest(clock, [], [2, 10, 9], [4, 20, 3], rounds=3)
    result = measure(fight, clock=clock)
    assert result.ratios == [0.5, 0.5, 3.0]
    assert result.ratio == 0.5
    assert result.ours == [2, 10, 9] and result.baseline == [4, 20, 3]


def test_the_two_sides_take_turns_after_the_check():
    clock, log = Clock(), []
    fight = contest(clock, log, [1] * 3, [1] * 3, lambda: log.append('check'))
    measure(fight, rounds=3, clock=clock)
    assert log == ['check', 'A', 'B', 'A', 'B', 'A', 'B']


def test_times_are_per_unit():
    clock = Clock()
    result = measure(contest(clock, [], [8], [4], rounds=1, units=4), clock=clock)
    assert (result.ours, result.baseline, result.ratio) == ([2], [1], 2)


def test_nothing_is_timed_where_the_results_differ():
    clock, log = Clock(), []

    def differ():
        raise Difference('loss: ours 1, the baseline 2')

    with pytest.raises(Difference, match='ours 1'):
        measure(contest(clock, log, [1], [1], differ), clock=clock)
    assert log == []


@pytest.mark.parametrize('other', [1.1, float('nan'), float('inf')])
def test_require_close(other):
    require_close('loss', 1.0 + 1e-7, 1.0, 1e-6)
    with pytest.raises(Difference, match='^loss: '):
        require_close('loss', other, 1.0, 1e-6)
    with pytest.raises(Difference):
        require_close('loss', torch.tensor([1.0, other]), torch.ones(2), 1e-6)


def test_require_close_takes_no_other_shape():
    with pytest.raises(Difference, match='shape'):
        require_close('banks', torch.ones(3, 1), torch.ones(3), 1e-6)


def test_same_training_is_relative_to_the_way():
    network, other = nn.Linear(2, 2), nn.Linear(2, 2)
    start = weights_of(network)
    with torch.no_grad():
        network.weight.add_(1e-3)
        other.load_state_dict(network.state_dict())
        require_same_training(network, other, start, 0)
        other.weight[0, 0] += 1e-6
    require_same_training(network, other, start, 1e-2)
    with pytest.raises(Difference, match='parameters'):
        require_same_training(network, other, start, 1e-5)


def test_what_did_not_train_is_not_the_same_training():
    network = nn.Linear(2, 2)
    with pytest.raises(Difference):
        require_same_training(network, network, weights_of(network), 1e-2)
