"""Contrastive representation distillation (CRD).

Tian et al., *Contrastive Representation Distillation*, ICLR 2020: noise-contrastive
estimation over banks that hold the latest embedding of every training sample.
"""

import torch
from torch import Tensor

_EPS = 1e-7  # as in the reference implementation

# N / K up to which one product with the whole bank beats gathering rows from it. The
# product costs N and streams, gathering costs K and jumps: on a CPU 20 times as much
# at N / K = 3 (CIFAR), as much at 48, 0.6 times at 78 (ImageNet). Less than even,
# because the product holds B * N numbers.
_DENSE_UP_TO = 32


def bank_similarity(bank: Tensor, embedding: Tensor, index: Tensor) -> Tensor:
    """Inner products of embeddings with chosen rows of a bank.

    Picks :func:`dense_similarity` or :func:`gathered_similarity` by size; the two
    agree up to rounding.

    Args:
        bank: [N, D]; constant, and may be changed before the backward pass.
        embedding: [B, D].
        index: [B, M] int64 rows of the bank.

    Returns:
        [B, M].

    >>> embedding = torch.tensor([[1.0, 2.0, 3.0]])
    >>> bank_similarity(torch.eye(3), embedding, torch.tensor([[2]]))
    tensor([[3.]])
    """
    if len(bank) <= _DENSE_UP_TO * index.shape[1]:
        return dense_similarity(bank, embedding, index)
    return gathered_similarity(bank, embedding, index)


def dense_similarity(bank: Tensor, embedding: Tensor, index: Tensor) -> Tensor:
    """See :func:`bank_similarity`: all N products, then the ones asked for."""
    # The backward pass needs the bank as it is now, and the caller updates it
    # in place before that.
    return (embedding @ bank.detach().clone().T).gather(1, index)


def gathered_similarity(bank: Tensor, embedding: Tensor, index: Tensor) -> Tensor:
    """See :func:`bank_similarity`: the rows asked for, B * M * D numbers, first."""
    rows = bank.detach()[index]
    return (rows @ embedding[:, :, None]).squeeze(2)


def noise_contrastive(scores: Tensor, n_data: int) -> Tensor:
    """Binary cross-entropy of one positive against K noise samples (equation 18).

    Args:
        scores: [B, 1 + K] unnormalised densities, the positive in column 0:
            ``exp(similarity / temperature) / Z``.
        n_data: N; the noise is uniform over the N samples.

    Returns:
        Scalar in nats, summed over the 1 + K terms, mean over the batch.
    """
    noise = (scores.shape[1] - 1) / n_data
    positive = ((noise + _EPS) / scores[:, 0]).log1p()
    negative = ((scores[:, 1:] + _EPS) / noise).log1p()
    return (positive.sum() + negative.sum()) / len(scores)


@torch.no_grad()
def update_bank(bank: Tensor, index: Tensor, embedding: Tensor, momentum: float):
    """Move rows of the bank towards new embeddings, and back onto the unit sphere.

    Args:
        bank: [N, D], changed in place.
        index: [B] int64 rows. Where an index comes twice, the last one counts, on
            every device: indexed writes alone would leave that open on a GPU.
        embedding: [B, D].
        momentum: share of the old row.

    >>> bank = torch.eye(2)
    >>> update_bank(bank, torch.tensor([0]), torch.tensor([[0.0, 1.0]]), momentum=0.5)
    >>> bank
    tensor([[0.7071, 0.7071],
            [0.0000, 1.0000]])
    """
    position = torch.arange(len(index), device=index.device)
    last = (position * (index[:, None] == index)).amax(1)
    rows = momentum * bank[index] + (1 - momentum) * embedding[last]
    bank[index] = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
