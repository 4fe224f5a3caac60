"""Losses on how the samples of a batch resemble one another: SP, PKT and CC."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

# As in the reference implementation; 1 / B^2 of a batch of 64 is still 2,000 times
# larger.
_PKT_EPS = 1e-7


def similarity_preserving(student: Tensor, teacher: Tensor) -> Tensor:
    """Tung & Mori, *Similarity-Preserving Knowledge Distillation*, ICCV 2019.

    Args:
        student: [B, ...], flattened per sample.
        teacher: [B, ...], flattened per sample; constant.

    Returns:
        Scalar, squared distance of the row-normalised Gram matrices over B^2.

    >>> similarity_preserving(torch.eye(2), torch.ones(2, 2))
    tensor(0.2929)
    """

    def gram(feature: Tensor) -> Tensor:
        flat = feature.flatten(1)
        return normalize(flat @ flat.T)

    return (gram(student) - gram(teacher.detach())).pow(2).mean()


def probabilistic_transfer(student: Tensor, teacher: Tensor) -> Tensor:
    """Passalis & Tefas, *Learning Deep Representations with Probabilistic Knowledge
    Transfer*, ECCV 2018, with the cosine kernel.

    Args:
        student: [B, Ds].
        teacher: [B, Dt]; constant.

    Returns:
        Scalar in nats: ``P_t log(P_t / P_s)`` averaged over all B^2 pairs, self
        pairs included (hence the large weights in use). A zero vector gets a
        finite gradient.

    >>> feature = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> round(probabilistic_transfer(feature, 3 * feature).item(), 5)
    0.0
    """

    def neighbour_probabilities(feature: Tensor) -> Tensor:
        # vector_norm, unlike sqrt, has a subgradient at the zero vector.
        norm = torch.linalg.vector_norm(feature, dim=1, keepdim=True)
        unit = feature / (norm + _PKT_EPS)
        kernel = (unit @ unit.T + 1) / 2
        return kernel / kernel.sum(1, keepdim=True)

    p_student = neighbour_probabilities(student)
    p_teacher = neighbour_probabilities(teacher.detach())
    log_ratio = ((p_teacher + _PKT_EPS) / (p_student + _PKT_EPS)).log()
    return (p_teacher * log_ratio).mean()


def correlation_congruence(student: Tensor, teacher: Tensor) -> Tensor:
    """Peng et al., *Correlation Congruence for Knowledge Distillation*, ICCV 2019.

    It is the reference implementation's form: errors of neighbours in the batch
    multiplied, so the order of the batch matters.

    Args:
        student: [B, D] embeddings.
        teacher: [B, D] embeddings. Not detached: the teacher's embedding layer
            is trained along with the student's.

    Returns:
        Scalar, mean over the B - 1 neighbours; 0 for a batch of one.

    >>> correlation_congruence(torch.zeros(3, 2), torch.ones(3, 2))
    tensor(2.)
    """
    error = (student - teacher).abs()
    return (error[:-1] * error[1:]).sum() / max(len(error) - 1, 1)
