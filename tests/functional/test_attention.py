"""Attention transfer, and maps of unequal size."""

import numpy as np
import pytest
import torch

from mcmi_plugin.functional.attention import attention_map, attention_transfer
from mcmi_plugin.functional.spatial import match_spatial_size


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def block_means(array: np.ndarray, factor: int) -> np.ndarray:
    b, c, h, w = array.shape
    blocks = array.reshape(b, c, h // factor, factor, w // factor, factor)
    return blocks.mean((3, 5))


def oracle(student: np.ndarray, teacher: np.ndarray) -> float:
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        q_s, q_t = (s**2).mean(0).ravel(), (t**2).mean(0).ravel()
        difference = q_s / np.linalg.norm(q_s) - q_t / np.linalg.norm(q_t)
        total += (difference**2).mean()
    return total / len(student)


def test_definition_at_equal_size() -> None:
    student, teacher = maps(5, 3, 4, 4), maps(5, 7, 4, 4, seed=1)
    result = attention_transfer(student, teacher).item()
    assert result == pytest.approx(oracle(student.numpy(), teacher.numpy()), rel=1e-12)


@pytest.mark.parametrize('student_size, teacher_size', [(8, 4), (2, 8)])
def test_larger_map_is_pooled_before_it_is_squared(student_size, teacher_size) -> None:
    student = maps(3, 2, student_size, student_size)
    teacher = maps(3, 5, teacher_size, teacher_size, seed=1)
    small = min(student_size, teacher_size)
    pooled = [block_means(m.numpy(), m.shape[-1] // small) for m in (student, teacher)]
    result = attention_transfer(student, teacher).item()
    assert result == pytest.approx(oracle(*pooled), rel=1e-12)


def test_sizes_that_are_not_square() -> None:
    first, second = match_spatial_size(maps(1, 2, 8, 4), maps(1, 3, 4, 8))
    assert first.shape == (1, 2, 4, 4) and second.shape == (1, 3, 4, 4)
    untouched = maps(1, 2, 4, 4)
    assert match_spatial_size(untouched, maps(1, 3, 4, 8))[0] is untouched


def test_zero_maps_stay_finite() -> None:
    student = maps(2, 3, 4, 4)
    student[0] = 0
    student.requires_grad_()
    assert attention_map(student)[0].eq(0).all()
    grad = torch.autograd.grad(attention_transfer(student, maps(2, 3, 4, 4)), student)
    assert grad[0].isfinite().all()


def test_gradient_reaches_the_student_only() -> None:
    student = maps(2, 3, 4, 4).requires_grad_()
    teacher = maps(2, 3, 2, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: attention_transfer(s, teacher), student)
    attention_transfer(student, teacher).backward()
    assert student.grad is not None and teacher.grad is None
