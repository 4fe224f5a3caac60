"""CRD's similarities with its memory bank, against gathered rows of the bank.

The baseline is the memory bank as it is usually written: the rows of the positive
and the negatives of every sample are copied out of the bank, [B, 1 + K, D] numbers,
and multiplied. Both sides are given the same negatives (drawing them is not timed)
and include the backward pass and the update of the banks.
"""

from collections.abc import Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.harness import Contest, require_close
from mcmi_plugin.functional.contrastive import bank_similarity, dense_similarity
from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss


def contests(
    num_samples: int = 50_000, num_negatives: int = 16_384, batch_size: int = 64
) -> Iterator[Contest]:
    """CIFAR's N and K; then N / K as for ImageNet, both an eighth of their size."""
    torch.manual_seed(0)
    loss = CRDContrastLoss(num_negatives=num_negatives)
    loss.prepare(torch.arange(num_samples) % 100)
    bank = GatheredBank(loss.student_bank, loss.teacher_bank)
    batch = _batch(num_samples, num_negatives, batch_size)

    def ours() -> tuple[float, Tensor]:
        return _step(loss.contrast, batch)

    def baseline() -> tuple[float, Tensor]:
        return _step(bank.contrast, batch)

    def check() -> None:
        for step in ('first', 'second'):
            (mine, my_grad), (theirs, their_grad) = ours(), baseline()
            # The logarithms of the baseline are of ratios near 1, in float32.
            require_close(f'loss of the {step} step', mine, theirs, 2e-4)
            require_close(f'gradient of the {step} step', my_grad, their_grad, 1e-3)
            require_close('student bank', loss.student_bank, bank.student_bank, 1e-6)
            require_close('teacher bank', loss.teacher_bank, bank.teacher_bank, 1e-6)

    yield Contest(
        'crd',
        ours,
        baseline,
        check,
        ours_is='CRDContrastLoss, forward and backward',
        baseline_is=f'gathered bank, N {num_samples}, K {num_negatives}',
        rounds=5,
        unit='step',
    )
    yield _imagenet_contest(78 * num_negatives // 8, num_negatives // 8, batch_size)


def _imagenet_contest(num_samples: int, num_negatives: int, batch_size: int) -> Contest:
    """Where gathering is faster: does the choice by size fall on it?"""
    bank = F.normalize(torch.randn(num_samples, 128), dim=1)
    embedding, _, _, index = _batch(num_samples, num_negatives, batch_size)
    ours = partial(bank_similarity, bank, embedding, index)
    dense = partial(dense_similarity, bank, embedding, index)
    return Contest(
        'crd (ImageNet)',
        lambda: ours().sum().backward(),
        lambda: dense().sum().backward(),
        lambda: require_close('similarities', ours(), dense(), 1e-5),
        ours_is='the way that is chosen by size',
        baseline_is=f'a dense product, N {num_samples}, K {num_negatives}',
        unit='step',
    )


class GatheredBank:
    """The baseline: noise-contrastive estimation over two banks [N, D].

    Temperature, momentum and the loss are those of ``CRDContrastLoss``'s defaults.
    """

    def __init__(self, student_bank: Tensor, teacher_bank: Tensor) -> None:
        self.student_bank = student_bank.clone()
        self.teacher_bank = teacher_bank.clone()
        self.normaliser: list[float] = []

    def contrast(
        self, student: Tensor, teacher: Tensor, index: Tensor, contrast_index: Tensor
    ) -> Tensor:
        """Scalar loss; each network against the other's bank."""
        num_samples = len(self.student_bank)
        noise = (contrast_index.shape[1] - 1) / num_samples
        scores = [
            self._scores(self.teacher_bank, student, contrast_index),
            self._scores(self.student_bank, teacher, contrast_index),
        ]
        if not self.normaliser:
            self.normaliser = [score.mean().item() * num_samples for score in scores]
        loss = torch.zeros(())
        for score, z in zip(scores, self.normaliser, strict=True):
            score = score / z
            positive = (score[:, 0] / (score[:, 0] + noise + 1e-7)).log().sum()
            negative = (noise / (score[:, 1:] + noise + 1e-7)).log().sum()
            loss = loss - (positive + negative) / len(index)
        with torch.no_grad():
            for bank, new in (
                (self.student_bank, student),
                (self.teacher_bank, teacher),
            ):
                bank[index] = F.normalize(0.5 * bank[index] + 0.5 * new, dim=1)
        return loss

    @staticmethod
    def _scores(bank: Tensor, embedding: Tensor, contrast_index: Tensor) -> Tensor:
        rows = bank.index_select(0, contrast_index.flatten())
        rows = rows.view(*contrast_index.shape, -1)
        return (torch.bmm(rows, embedding[:, :, None]).squeeze(2) / 0.07).exp()


def _batch(num_samples: int, num_negatives: int, batch_size: int) -> tuple:
    """Unit embeddings, the samples' own indices and those to contrast with."""
    student, teacher = (
        F.normalize(torch.randn(batch_size, 128), dim=1).requires_grad_()
        for _ in range(2)
    )
    index = torch.randperm(num_samples)[:batch_size]
    negatives = torch.randint(num_samples, (batch_size, num_negatives))
    return student, teacher, index, torch.cat([index[:, None], negatives], 1)


def _step(contrast, batch: tuple) -> tuple[float, Tensor]:
    student, teacher, _, _ = batch
    student.grad = teacher.grad = None
    loss = contrast(*batch)
    loss.backward()
    return loss.item(), torch.cat([student.grad, teacher.grad])
