"""The curve of Fig. 1 from one pass against the softened logits, all kept."""

import pytest
import torch
from oracle import cmi_of, entropy_of, ll_of

from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.temperature import (
    TEMPERATURES,
    TemperatureCurve,
    temperatures_within,
)


@pytest.fixture
def predictions():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 5
    logits = 2 * torch.randn(90, 5, generator=generator)
    logits[range(90), labels] += 3
    return logits, labels


def test_each_point_is_that_of_the_softened_logits(predictions):
    logits, labels = predictions
    curve = TemperatureCurve(5)
    for start in range(0, 90, 40):
        curve.update(logits[start : start + 40], labels[start : start + 40])
    points = curve.points()
    assert [point['temperature'] for point in points] == list(TEMPERATURES)
    for point in points:
        softened = logits.double().numpy() / point['temperature']
        assert point['cmi'] == pytest.approx(cmi_of(softened, labels.numpy()))
        assert point['ll'] == pytest.approx(ll_of(softened, labels.numpy()))
        assert point['entropy'] == pytest.approx(entropy_of(softened))
        plain = ClassStatistics(5)
        plain.update(torch.from_numpy(softened), labels)
        assert point['cmi'] == pytest.approx(plain.cmi(), rel=1e-12)


def test_it_does_not_depend_on_the_batches(predictions):
    logits, labels = predictions
    curves = []
    for size in (1, 13, 90):
        curve = TemperatureCurve(5, (0.5, 1, 4))
        for start in range(0, 90, size):
            batch = slice(start, start + size)
            curve.update(logits[batch], labels[batch])
        curves.append([list(point.values()) for point in curve.points()])
    assert torch.tensor(curves[0]).allclose(torch.tensor(curves[1]), rtol=1e-12)
    assert torch.tensor(curves[0]).allclose(torch.tensor(curves[2]), rtol=1e-12)


def test_its_own_temperature_keeps_logarithms_that_underflow():
    """The centroid's smallest entry, which bounds lambda, stays finite."""
    curve = TemperatureCurve(2)
    curve.update(torch.tensor([[1500.0, 0.0], [0.0, 1500.0]]), torch.tensor([0, 1]))
    log_centroids = curve.statistics[1.0].log_centroids()
    assert log_centroids.flatten().tolist() == pytest.approx([0, -1500, -1500, 0])


@pytest.mark.parametrize(
    ('num_classes', 'num_bytes', 'expected'),
    [
        (1000, 2**31, 15),
        (1000, 120e6, 15),  # 8 MB each: just enough
        (1000, 119e6, 8),
        (21841, 35e9, 8),  # a quarter of an H200's: nine would fit
        (21841, 8e9, 2),
        (21841, 4e9, 1),
        (21841, 1e9, 1),  # never none
    ],
)
def test_as_many_temperatures_as_memory_allows(num_classes, num_bytes, expected):
    found = temperatures_within(num_classes, num_bytes)
    assert len(found) == expected
    assert 1.0 in found
    assert set(found) <= set(TEMPERATURES)


def test_a_temperature_is_above_zero():
    for wrong in ((), (0.0,), (1.0, -2.0)):
        with pytest.raises(ValueError, match='above 0'):
            TemperatureCurve(3, wrong)
