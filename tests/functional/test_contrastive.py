"""CRD's scores, its loss and the update of a bank."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from mcmi_plugin.functional import contrastive
from mcmi_plugin.functional.contrastive import (
    bank_similarity,
    dense_similarity,
    gathered_similarity,
    noise_contrastive,
    update_bank,
)

WAYS = [dense_similarity, gathered_similarity]


def unit(rows: int, seed: int = 0, dim: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, dim, dtype=torch.float64, generator=generator))


def index(rows: int, columns: int, high: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)
    return torch.randint(high, (rows, columns), generator=generator)


@pytest.mark.parametrize('way', WAYS)
def test_similarity(way) -> None:
    bank, embedding, chosen = unit(20), unit(3, seed=1), index(3, 7, 20)
    expected = [
        [math.fsum((embedding[b] * bank[i]).tolist()) for i in chosen[b]]
        for b in range(3)
    ]
    result = way(bank, embedding, chosen)
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize('way', WAYS)
def test_gradient_is_that_of_the_bank_before_its_update(way) -> None:
    bank, embedding, chosen = (
        unit(20),
        unit(3, seed=1).requires_grad_(),
        index(3, 7, 20),
    )
    weight = unit(3, seed=2, dim=7)
    expected = torch.einsum('bm,bmd->bd', weight, bank[chosen])
    scores = way(bank, embedding, chosen)
    bank.zero_()
    (scores * weight).sum().backward()
    torch.testing.assert_close(embedding.grad, expected)


def test_way_is_chosen_by_size(monkeypatch) -> None:
    for way in WAYS:
        monkeypatch.setattr(
            contrastive, way.__name__, lambda *_, name=way.__name__: name
        )
    # CIFAR's 50,000 and ImageNet's 1.28 million samples over 16,384 negatives.
    few, many = torch.empty(50, 1), torch.empty(1281, 1)
    chosen = torch.empty(1, 16, dtype=torch.int64)
    assert bank_similarity(few, None, chosen) == 'dense_similarity'
    assert bank_similarity(many, None, chosen) == 'gathered_similarity'


def test_loss_is_the_binary_cross_entropy_of_the_posterior() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(4, 7, dtype=torch.float64, generator=generator)
    n_data, num_negatives = 30, 6
    expected = 0.0
    for row in scores.tolist():
        noise = num_negatives / n_data
        posterior = [p / (p + noise) for p in row]  # that a sample is no noise
        expected -= math.log(posterior[0])
        expected -= sum(math.log(1 - p) for p in posterior[1:])
    result = noise_contrastive(scores, n_data).item()
    assert result == pytest.approx(expected / 4, rel=1e-5)  # the epsilon, 1e-7 / 0.2
    assert torch.autograd.gradcheck(
        lambda s: noise_contrastive(s, n_data), scores.requires_grad_()
    )


def test_update_keeps_unit_length_and_other_rows() -> None:
    bank, embedding = unit(6), unit(2, seed=1)
    before = bank.clone()
    update_bank(bank, torch.tensor([4, 1]), embedding, momentum=0.25)
    mixed = 0.25 * before[4] + 0.75 * embedding[0]
    torch.testing.assert_close(bank[4], mixed / mixed.norm())
    torch.testing.assert_close(bank.norm(dim=1), torch.ones(6, dtype=torch.float64))
    untouched = [0, 2, 3, 5]
    assert torch.equal(bank[untouched], before[untouched])


def test_last_of_equal_indices_counts() -> None:
    bank, embedding = unit(6), unit(4, seed=1)
    alone = bank.clone()
    update_bank(bank, torch.tensor([3, 2, 3, 3]), embedding, momentum=0.5)
    update_bank(alone, torch.tensor([2, 3]), embedding[[1, 3]], momentum=0.5)
    assert torch.equal(bank, alone)


def test_equal_indices_are_written_with_equal_rows() -> None:
    # A GPU writes them in any order.
    class Bank:
        def __getitem__(self, index):
            return unit(6)[index]

        def __setitem__(self, index, rows):
            self.written = rows

    bank = Bank()
    update_bank(bank, torch.tensor([3, 2, 3, 3]), unit(4, seed=1), momentum=0.5)
    assert torch.equal(bank.written[[0, 2]], bank.written[[3, 3]])
    assert not torch.equal(bank.written[1], bank.written[3])
