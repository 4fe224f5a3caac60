"""The reliability sums against figures by hand, and against an independent loop."""

import numpy as np
import pytest
import torch
from oracle import calibration_error_of

from mcmi_plugin.functional.calibration import Reliability


def logits_of(*rows):
    return torch.tensor(rows, dtype=torch.float64).log()


def test_error_by_hand():
    """Two bins: (0, .5] holds one wrong of .5, (.5, 1] two of .6 and one of .9."""
    reliability = Reliability(bins=2)
    logits = logits_of((0.5, 0.3, 0.2), (0.6, 0.4, 0), (0.4, 0.6, 0), (0.05, 0.05, 0.9))
    reliability.update(logits, torch.tensor([1, 0, 0, 2]))

    # Bin 1: right 0 of 1, confidence .5; bin 2: right 2 of 3, confidence .7.
    assert reliability.error() == pytest.approx(100 * (0.5 / 4 + 3 / 4 * (0.7 - 2 / 3)))
    assert reliability.confidence() == pytest.approx(100 * (0.5 + 0.6 + 0.6 + 0.9) / 4)
    (first, second) = reliability.per_bin()
    assert first == pytest.approx((1, 50, 0))
    assert second == pytest.approx((3, 70, 200 / 3))


def test_it_is_guos_error_whatever_the_batches():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(500, 6, generator=generator)
    labels = torch.randint(6, (500,), generator=generator)
    expected = calibration_error_of(logits.numpy(), labels.numpy(), bins=15)
    for size in (1, 7, 500):
        reliability = Reliability()
        for start in range(0, 500, size):
            batch = slice(start, start + size)
            reliability.update(logits[batch], labels[batch])
        assert reliability.error() == pytest.approx(expected, rel=1e-9)


def test_the_ends_of_the_bins():
    """Certainty is in the last bin; bin m holds its upper end, not its lower one."""
    reliability = Reliability(bins=4)
    reliability.update(logits_of((1.0, 0.0), (0.5, 0.5)), torch.tensor([0, 0]))
    assert reliability.counts.tolist() == [0, 1, 0, 1]
    assert reliability.error() == pytest.approx(25)  # a tie is for class 0


def test_without_a_sample_there_is_no_error():
    assert np.isnan(Reliability().error())
    assert np.isnan(Reliability().per_bin()[0][1])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match='bins'):
        Reliability(bins=0)
    with pytest.raises(ValueError, match=r'\[B, C\]'):
        Reliability().update(torch.zeros(3, 2), torch.zeros(2))
