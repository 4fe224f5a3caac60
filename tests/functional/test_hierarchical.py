"""HSAKD's joint labels and divergences."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from mcmi_plugin.functional.hierarchical import hierarchical_distillation, joint_labels


def logits(classes: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 5 * torch.randn(8, classes, dtype=torch.float64, generator=generator)


def test_joint_labels_count_the_rotations_of_one_image_first() -> None:
    labels = torch.tensor([2, 0])
    assert joint_labels(labels).tolist() == [8, 9, 10, 11, 0, 1, 2, 3]


def test_divergences_are_softened_and_summed() -> None:
    student = [logits(12, 0), logits(12, 1), logits(3, 2)]
    teacher = [logits(12, 3), logits(12, 4), logits(3, 5)]
    tau = 3.0
    expected = 0.0
    for s, t in zip(student, teacher, strict=True):
        p_t, p_s = (softmax(z.numpy() / tau, axis=1) for z in (t, s))
        expected += tau**2 * rel_entr(p_t, p_s).sum() / len(s)
    result = hierarchical_distillation(student, teacher, tau).item()
    assert result == pytest.approx(expected, rel=1e-12)


def test_probabilities_that_underflow_cost_nothing() -> None:
    sure = torch.tensor([[0.0, -1e4, -1e4]], requires_grad=True)
    loss = hierarchical_distillation([sure], [sure.detach()], 1.0)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, sure)[0].eq(0).all()
    assert np.isfinite(hierarchical_distillation([-sure], [sure], 1.0).item())


def test_teacher_is_constant() -> None:
    student, teacher = logits(3, 0).requires_grad_(), logits(3, 1).requires_grad_()
    hierarchical_distillation([student], [teacher], 3.0).backward()
    assert student.grad.abs().sum() > 0 and teacher.grad is None


def test_unequal_numbers_of_classifiers_are_refused() -> None:
    with pytest.raises(ValueError, match='2 classifiers of the student, 1'):
        hierarchical_distillation([logits(3, 0)] * 2, [logits(3, 0)], 3.0)
