"""Negatives: every sample of another class, and none else, equally likely."""

import pytest
import torch
from scipy.stats import chisquare

from mcmi_plugin.functional import negatives
from mcmi_plugin.functional.negatives import class_order, draw_negatives

# Uneven on purpose: 1, 5, 0 and 3 samples of the four classes, in no order.
LABELS = torch.tensor([1, 3, 1, 0, 1, 3, 1, 3, 1])


@pytest.mark.parametrize('label', [0, 1, 3])
def test_every_draw_is_another_sample_of_another_class(label, monkeypatch) -> None:
    others = (label != LABELS).nonzero().flatten().tolist()
    # One draw of every possible value: exact, whatever the random numbers do.
    monkeypatch.setattr(
        negatives.torch,
        'randint',
        lambda high, shape, device: torch.arange(shape[1]).expand(shape),
    )
    drawn = draw_negatives(class_order(LABELS), torch.tensor([label]), len(others))
    assert sorted(drawn[0].tolist()) == others


def test_draws_are_uniform_and_rows_differ() -> None:
    torch.manual_seed(0)
    labels = torch.tensor([1, 3, 0, 1])
    drawn = draw_negatives(class_order(LABELS), labels, 20000)
    assert drawn.shape == (4, 20000) and drawn.dtype == torch.int64
    for row, label in zip(drawn, labels, strict=True):
        assert (LABELS[row] != label).all()
        counts = row.bincount(minlength=len(LABELS))[label != LABELS]
        assert chisquare(counts.numpy()).pvalue > 1e-3
    assert not torch.equal(drawn[0], drawn[3])


def test_memory_does_not_grow_with_the_classes() -> None:
    labels = torch.arange(100_000) // 2
    assert sum(part.numel() for part in class_order(labels)) == 100_000 + 2 * 50_000


def test_one_class_has_no_negatives() -> None:
    with pytest.raises(ValueError, match='at least two classes'):
        class_order(torch.full((5,), 2))
