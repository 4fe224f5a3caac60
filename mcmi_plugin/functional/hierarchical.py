"""Hierarchical self-supervised augmented distillation (HSAKD).

Yang et al., *Hierarchical Self-supervised Augmented Knowledge Distillation*, IJCAI
2021. Every image enters four times, rotated by 0, 90, 180 and 270 degrees; the rows
of one image follow one another, so row ``4 b + k`` is image b under rotation k. An
auxiliary classifier on each stage tells class and rotation at once, 4 C joint classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

NUM_ROTATIONS = 4


def joint_labels(labels: Tensor) -> Tensor:
    """Class and rotation as one id: [B] class ids -> [4B] ids ``4 y + k``.

    >>> joint_labels(torch.tensor([0, 2]))
    tensor([ 0,  1,  2,  3,  8,  9, 10, 11])
    """
    rotation = torch.arange(NUM_ROTATIONS, device=labels.device)
    return (NUM_ROTATIONS * labels[:, None] + rotation).flatten()


def hierarchical_distillation(
    student: Sequence[Tensor], teacher: Sequence[Tensor], tau: float
) -> Tensor:
    """Softened KL divergences of all classifiers, summed.

    Args:
        student: per classifier [4B, classes]; the stages' and the network's own.
        teacher: the same of the teacher; constant.
        tau: temperature.

    Returns:
        Scalar in nats, each term times ``tau^2`` and averaged over the 4B rows.

    Raises:
        ValueError: student and teacher differ in the number of classifiers.

    >>> logits = [torch.eye(4)]
    >>> hierarchical_distillation(logits, logits, tau=3)
    tensor(0.)
    """
    if len(student) != len(teacher):
        raise ValueError(
            f'{len(student)} classifiers of the student, {len(teacher)} of the teacher'
        )
    terms = [
        kl_div(
            log_softmax(s / tau, 1),
            log_softmax(t.detach() / tau, 1),
            reduction='batchmean',
            log_target=True,
        )
        for s, t in zip(student, teacher, strict=True)
    ]
    return tau**2 * torch.stack(terms).sum()
