"""Spread and paired differences against scipy's, and the words for them."""

import numpy as np
import pytest
from scipy import stats

from mcmi_plugin.shown.paired import Difference, difference_in_words, paired, spread


@pytest.mark.parametrize('n', [2, 3, 17])
def test_spread_and_paired_difference_are_scipys(n):
    random = np.random.RandomState(n)
    these = dict(enumerate(70 + random.randn(n)))
    those = dict(enumerate(69 + random.randn(n)))

    found = spread(list(these.values()))
    difference = paired(these, those)

    assert found.n == difference.n == n
    assert found.mean == pytest.approx(np.mean(list(these.values())))
    assert found.sd == pytest.approx(stats.tstd(list(these.values())))
    gaps = [these[k] - those[k] for k in range(n)]
    assert difference.mean == pytest.approx(np.mean(gaps))
    assert difference.se == pytest.approx(stats.sem(gaps))
    t = stats.ttest_rel(list(these.values()), list(those.values())).statistic
    assert difference.mean / difference.se == pytest.approx(t)
    assert difference.exceeds == (abs(t) > 2)


def test_only_seeds_that_both_have_are_pairs():
    difference = paired({0: 5.0, 1: 7.0, 2: 100.0}, {1: 6.0, 0: 3.0, 3: -100.0})

    assert (difference.mean, difference.n) == (1.5, 2)  # 5 - 3 and 7 - 6
    assert difference.se == pytest.approx(0.5)


def test_pairing_takes_out_what_seeds_share():
    control = {k: 50.0 + 10 * k for k in range(4)}
    better = {k: v + 0.3 + 0.1 * (k % 2) for k, v in control.items()}

    assert spread(list(better.values())).sd > 10
    assert paired(better, control).se < 0.1


def test_one_run_has_no_spread_and_none_has_no_mean():
    assert spread([71.5]).sd is None
    assert spread([71.5]).shown(2) == '71.50'
    assert paired({0: 1.0}, {0: 0.5}).se is None
    assert paired({0: 1.0}, {0: 0.5}).exceeds is None
    assert spread([]) is None
    assert paired({0: 1.0}, {1: 1.0}) is None


def test_words_say_what_a_difference_is_worth():
    words = 'MCMI 0.5: +0.31 +- 0.08 against lambda = 0 (n = 5 pairs): '
    line = difference_in_words('MCMI 0.5', Difference(0.31, 0.08, 5), 'lambda = 0')
    assert line == words + 'exceeds twice its standard error'
    line = difference_in_words('T', Difference(-0.15, 0.08, 5), 'MLL', 3)
    assert line.endswith(
        '-0.150 +- 0.080 against MLL (n = 5 pairs): within twice its standard error'
    )
    line = difference_in_words('T', Difference(0.9, None, 1), 'MLL')
    assert '+0.90 against MLL (n = 1 pair): one pair has no spread' in line


@pytest.mark.parametrize(
    ('mean', 'exceeds'), [(0.2, False), (0.21, True), (-0.21, True)]
)
def test_exceeding_is_beyond_twice_the_standard_error_on_either_side(mean, exceeds):
    assert Difference(mean, 0.1, 5).exceeds == exceeds
