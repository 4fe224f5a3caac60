"""The hierarchical context loss against block means in numpy."""

import numpy as np
import pytest
import torch

from mcmi_plugin.functional.review import hierarchical_context


def pair(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(size)
    shape = (2, 3, size, size)
    return tuple(
        torch.randn(*shape, dtype=torch.float64, generator=generator) for _ in range(2)
    )


def error_at(level: int, student: np.ndarray, teacher: np.ndarray) -> float:
    b, c, h, _ = student.shape
    blocks = (student - teacher).reshape(b, c, level, h // level, level, h // level)
    return (blocks.mean((3, 5)) ** 2).mean()


@pytest.mark.parametrize(
    'size, weights',
    [
        (8, {8: 1, 4: 1 / 2, 2: 1 / 4, 1: 1 / 8}),
        (4, {4: 1, 2: 1 / 2, 1: 1 / 4}),
        (2, {2: 1, 1: 1 / 2}),
        (1, {1: 1}),
    ],
)
def test_levels_and_their_weights(size: int, weights: dict[int, float]) -> None:
    student, teacher = pair(size)
    errors = {k: error_at(k, student.numpy(), teacher.numpy()) for k in weights}
    expected = sum(w * errors[k] for k, w in weights.items()) / sum(weights.values())
    result = hierarchical_context(student, teacher).item()
    assert result == pytest.approx(expected, rel=1e-12)


def test_teacher_is_constant() -> None:
    student, teacher = pair(4)
    student.requires_grad_()
    teacher.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: hierarchical_context(s, teacher), student)
    hierarchical_context(student, teacher).backward()
    assert teacher.grad is None


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match=r'\[2, 3, 1, 1\].*\[2, 3, 4, 4\]'):
        hierarchical_context(torch.zeros(2, 3, 1, 1), torch.zeros(2, 3, 4, 4))
