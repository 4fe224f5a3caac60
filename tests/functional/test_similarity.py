"""SP, PKT and CC against loops over the pairs of a batch."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr

from mcmi_plugin.functional.similarity import (
    correlation_congruence,
    probabilistic_transfer,
    similarity_preserving,
)


def features(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_similarity_preserving() -> None:
    student, teacher = features(4, 3, 2, 2), features(4, 5, 3, 3, seed=1)

    def gram(maps: torch.Tensor) -> np.ndarray:
        flat = maps.reshape(len(maps), -1).numpy()
        rows = [[np.dot(a, b) for b in flat] for a in flat]
        return np.array([np.array(row) / np.linalg.norm(row) for row in rows])

    expected = ((gram(teacher) - gram(student)) ** 2).sum() / 16
    result = similarity_preserving(student, teacher).item()
    assert result == pytest.approx(expected, rel=1e-12)


def test_probabilistic_transfer() -> None:
    student, teacher = features(6, 4), features(6, 9, seed=1)

    def probabilities(vectors: torch.Tensor) -> np.ndarray:
        unit = vectors.numpy() / np.linalg.norm(vectors.numpy(), axis=1)[:, None]
        kernel = (unit @ unit.T + 1) / 2
        return kernel / kernel.sum(1)[:, None]

    expected = rel_entr(probabilities(teacher), probabilities(student)).mean()
    # The epsilons, 1e-7 of probabilities near 1/6, are all that is left out.
    result = probabilistic_transfer(student, teacher).item()
    assert result == pytest.approx(expected, rel=1e-4)


def test_probabilistic_transfer_of_a_zero_vector() -> None:
    student = features(4, 3)
    student[1] = 0
    student.requires_grad_()
    loss = probabilistic_transfer(student, features(4, 3, seed=1))
    assert loss.isfinite()
    assert torch.autograd.grad(loss, student)[0].isfinite().all()


def test_correlation_congruence() -> None:
    student, teacher = features(5, 3), features(5, 3, seed=1)
    error = np.abs(student.numpy() - teacher.numpy())
    expected = sum(np.dot(error[i], error[i + 1]) for i in range(4)) / 4
    result = correlation_congruence(student, teacher).item()
    assert result == pytest.approx(expected, rel=1e-12)


def test_correlation_congruence_of_one_sample_is_zero() -> None:
    student = features(1, 3).requires_grad_()
    loss = correlation_congruence(student, features(1, 3, seed=1))
    loss.backward()
    assert loss.item() == 0 and student.grad.eq(0).all()


@pytest.mark.parametrize('loss', [similarity_preserving, probabilistic_transfer])
def test_teacher_is_constant(loss) -> None:
    student, teacher = features(4, 3).requires_grad_(), features(4, 6, seed=1)
    teacher.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher), student)
    loss(student, teacher).backward()
    assert teacher.grad is None


def test_both_embeddings_of_correlation_congruence_are_trained() -> None:
    pair = features(4, 3).requires_grad_(), features(4, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(correlation_congruence, pair)
