"""Logit methods against NumPy and SciPy, an image at a time."""

import numpy as np
import pytest
import torch
from mmrazor.registry import MODELS
from scipy.special import rel_entr, softmax
from scipy.stats import pearsonr, zscore

import mcmi_plugin  # noqa: F401  (lets MMRazor be imported)
from mcmi_plugin.functional.logits import (
    asymmetric,
    normalised_kd,
    standardised,
    transformed_matching,
)

LABELS = torch.tensor([2, 0, 4, 1])


def logits(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = shape or (4, 5)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_standardised() -> None:
    rows = logits(0)
    expected = zscore(rows.numpy(), axis=1, ddof=1)
    np.testing.assert_allclose(standardised(rows), expected, rtol=1e-6)
    assert torch.autograd.gradcheck(standardised, logits(1).requires_grad_())


def test_standardised_knows_no_shift_and_no_scale() -> None:
    rows = logits(0)
    torch.testing.assert_close(
        standardised(7 * rows - 3), standardised(rows), rtol=0, atol=1e-6
    )


def test_a_constant_row_neither_divides_by_nought_nor_explodes() -> None:
    rows = torch.stack([torch.full((5,), 2.0), torch.arange(5.0)]).requires_grad_()
    result = standardised(rows)
    assert result[0].eq(0).all()
    weights = torch.arange(10.0).reshape(2, 5)
    gradient = torch.autograd.grad((result * weights).sum(), rows)[0]
    assert gradient[0].eq(0).all() and gradient.isfinite().all()


def test_asymmetric() -> None:
    result = asymmetric(logits(0), LABELS, true=4.0, others=2.0)
    for row, given, label in zip(result, logits(0), LABELS, strict=True):
        expected = given / 2
        expected[label] = given[label] / 4
        assert row.equal(expected)


@pytest.mark.parametrize('temperature', [1, 4])
def test_transformed_matching(temperature: int) -> None:
    student, teacher = logits(0), logits(1)
    losses = []
    for s, t in zip(student.numpy(), teacher.numpy(), strict=True):
        powers = softmax(t) ** (1 / temperature)
        divergence = rel_entr(softmax(t / temperature), softmax(s)).sum()
        losses.append(powers.sum() * divergence)
    result = transformed_matching(student, teacher, 1 / temperature).item()
    assert result == pytest.approx(np.mean(losses), rel=1e-12)


@pytest.mark.parametrize('tau', [1.0, 2.5])
def test_normalised_kd(tau: float) -> None:
    student, teacher = logits(0), logits(1)
    losses = []
    for s, t, y in zip(student.numpy(), teacher.numpy(), LABELS.tolist(), strict=True):
        of_label = -softmax(t)[y] * np.log(softmax(s)[y])
        target = softmax(np.delete(t, y) / tau)
        of_others = -(target * np.log(softmax(np.delete(s, y) / tau))).sum()
        losses.append(of_label + 1.5 * tau**2 * of_others)
    result = normalised_kd(student, teacher, LABELS, tau, gamma=1.5).item()
    assert result == pytest.approx(np.mean(losses), rel=1e-12)


def test_normalised_kd_of_two_classes_is_the_labels_part() -> None:
    student, teacher = logits(0, 4, 2), logits(1, 4, 2)
    labels = LABELS % 2
    whole = normalised_kd(student, teacher, labels, tau=1.0, gamma=1.5)
    assert whole.equal(normalised_kd(student, teacher, labels, tau=1.0, gamma=0.0))


LOSSES = {
    'wttm': lambda s, t: transformed_matching(s, t, 0.25),
    'nkd': lambda s, t: normalised_kd(s, t, LABELS[: len(s)], 2.0, 1.5),
}


@pytest.mark.parametrize('loss', LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize('batch', [1, 4])
def test_gradients_are_of_the_student_alone(loss, batch: int) -> None:
    student, teacher = logits(0, batch, 5).requires_grad_(), logits(1, batch, 5)
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher), student)
    teacher.requires_grad_()
    loss(student, teacher).backward()
    assert teacher.grad is None and student.grad.any()


@pytest.mark.parametrize('loss', LOSSES.values(), ids=LOSSES)
def test_constant_rows_and_a_class_that_the_teacher_leaves_out(loss) -> None:
    student = torch.zeros(4, 5, requires_grad=True)
    teacher = torch.zeros(4, 5)
    teacher[:, 3] = -torch.inf
    result = loss(student, teacher)
    assert result.isfinite()
    assert torch.autograd.grad(result, student)[0].isfinite().all()


def test_mmrazors_dist_is_its_formula() -> None:
    """The method file takes it as it is."""
    student, teacher = logits(0), logits(1)
    tau = 4.0
    s, t = softmax(student / tau, axis=1), softmax(teacher / tau, axis=1)
    of_images = [1 - pearsonr(a, b)[0] for a, b in zip(s, t, strict=True)]
    of_classes = [1 - pearsonr(a, b)[0] for a, b in zip(s.T, t.T, strict=True)]
    expected = tau**2 * (2 * np.mean(of_images) + 3 * np.mean(of_classes))
    loss = MODELS.build(
        dict(type='DISTLoss', inter_loss_weight=2.0, intra_loss_weight=3.0, tau=tau)
    )
    assert loss(student, teacher).item() == pytest.approx(expected, rel=1e-6)
    leaf = logits(2).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher), leaf)
    constant = torch.zeros(1, 5, requires_grad=True)
    gradient = torch.autograd.grad(loss(constant, teacher[:1]), constant)[0]
    assert gradient.isfinite().all()
