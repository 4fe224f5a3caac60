"""Distillation by logits, past KD: standardised logits, WTTM, NKD, and ATS."""

import torch
from torch import Tensor

_STD_EPS = 1e-7  # as published


def standardised(logits: Tensor) -> Tensor:
    """Sun et al., *Logit Standardization in Knowledge Distillation*, CVPR 2024.

    Args:
        logits: [B, C].

    Returns:
        [B, C], each row with mean 0 and standard deviation (of C - 1) 1. A constant
        row has no shape to keep: it is 0 and gets no gradient, where the published
        ``1 / (std + 1e-7)`` would multiply its gradient by ten million.

    >>> standardised(torch.tensor([[1.0, 3.0, 5.0], [2.0, 2.0, 2.0]]))
    tensor([[-1.,  0.,  1.],
            [ 0.,  0.,  0.]])
    """
    std = logits.std(1, keepdim=True)
    scale = torch.where(std > _STD_EPS, 1 / (std + _STD_EPS), 0)
    return (logits - logits.mean(1, keepdim=True)) * scale


def asymmetric(logits: Tensor, labels: Tensor, true: float, others: float) -> Tensor:
    """Li et al., *Asymmetric Temperature Scaling Makes Larger Networks Teach Well
    Again*, NeurIPS 2022.

    Args:
        logits: [B, C], the teacher's.
        labels: [B] int64.
        true: temperature of the label's logit.
        others: temperature of all other logits; below ``true`` it spreads them out.

    Returns:
        [B, C] logits divided by these temperatures.

    >>> asymmetric(torch.tensor([[4.0, 2.0]]), torch.tensor([0]), true=4, others=2)
    tensor([[1., 1.]])
    """
    temperatures = torch.full_like(logits, others)
    return logits / temperatures.scatter(1, labels[:, None], true)


def transformed_matching(student: Tensor, teacher: Tensor, exponent: float) -> Tensor:
    """Zheng & Yang, *Knowledge Distillation Based on Transformed Teacher Matching*,
    ICLR 2024: WTTM.

    The teacher's probabilities to the power of ``exponent``, normalised, are matched
    by the student at temperature 1; their sum before that weighs the sample.

    Args:
        student: [B, C] logits.
        teacher: [B, C] logits; constant.
        exponent: 1 / T of the teacher, in (0, 1].

    Returns:
        Scalar in nats, the weighted mean of the batch.

    >>> logits = torch.tensor([[0.0, 0.0]])
    >>> transformed_matching(logits, logits, exponent=0.5)
    tensor(0.)
    """
    log_p = teacher.detach().log_softmax(1)
    weight = (exponent * log_p).logsumexp(1).exp()
    target = (exponent * log_p).softmax(1)
    return (weight * _kl(target, student.log_softmax(1))).mean()


def normalised_kd(
    student: Tensor, teacher: Tensor, labels: Tensor, tau: float, gamma: float
) -> Tensor:
    """Yang et al., *From Knowledge Distillation to Self-Knowledge Distillation: A
    Unified Approach with Normalized Loss and Customized Soft Labels*, ICCV 2023: NKD.

    Args:
        student: [B, C] logits, C > 1.
        teacher: [B, C] logits; constant.
        labels: [B] int64.
        tau: temperature of the classes that are not the label.
        gamma: weight of their cross-entropy.

    Returns:
        Scalar in nats: ``-P_t[y] log P_s[y]``, plus ``gamma tau^2`` times the
        cross-entropy of the other classes among themselves.

    >>> even = torch.zeros(1, 3)
    >>> normalised_kd(even, even, torch.tensor([0]), tau=1.0, gamma=1.0)
    tensor(1.0594)
    """
    teacher, column = teacher.detach(), labels[:, None]
    p_label = teacher.softmax(1).gather(1, column)
    of_label = -(p_label * student.log_softmax(1).gather(1, column)).mean()
    # All columns but the label's, by number: a mask would wait for the device.
    others = torch.arange(student.shape[1] - 1, device=student.device)
    others = others + (others >= column)
    target = (teacher.gather(1, others) / tau).softmax(1)
    log_q = (student.gather(1, others) / tau).log_softmax(1)
    of_others = -torch.where(target > 0, target * log_q, 0).sum(1).mean()
    return of_label + gamma * tau**2 * of_others


def _kl(p: Tensor, log_q: Tensor) -> Tensor:
    """KL of each row, [B]; 0 log 0 is 0."""
    return torch.nn.functional.kl_div(log_q, p, reduction='none').sum(1)
