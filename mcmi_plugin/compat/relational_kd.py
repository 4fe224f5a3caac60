"""Let MMRazor's RKD run on a GPU without waits, and in full precision."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mcmi_plugin.functional.precision import full_precision


def mend_relational_kd() -> None:
    """The same ``DistanceWiseRKD`` and ``AngleWiseRKD``, up to the order of a sum.

    What upstream gets wrong: ``distance_loss`` selects the positive distances by a
    boolean index and writes the diagonal by a list, for both of which the host waits
    for the device in every step; a batch of one, as the last of an epoch may be, has
    the loss NaN; and under autocast the products that distances and
    angles are differences of have 8 or 11 bits, so that little is left of them.

    It falls away when ``distance_loss`` runs on tensors without values (device
    ``meta``) and the losses switch autocast off.
    """
    from mmrazor.models.losses import relational_kd

    if not _waits(relational_kd.DistanceWiseRKD):
        return
    relational_kd.euclidean_distance = euclidean_distance
    relational_kd.DistanceWiseRKD.distance_loss = _distance_loss
    for kind in (relational_kd.DistanceWiseRKD, relational_kd.AngleWiseRKD):
        kind.forward = _in_full_precision(kind.forward)


def _waits(kind: Any) -> bool:
    points = torch.empty(2, 2, device='meta')
    try:
        kind().distance_loss(points, points)
    except (RuntimeError, NotImplementedError):
        return True
    return False


def euclidean_distance(
    pred: Tensor, squared: bool = False, eps: float = 1e-12
) -> Tensor:
    """[N, N] distances of the rows of ``pred`` [N, C], 0 on the diagonal."""
    square = pred.pow(2).sum(-1)
    distance = (square[:, None] + square - 2 * pred @ pred.t()).clamp(min=eps)
    if not squared:
        distance = distance.sqrt()
    same = torch.eye(len(pred), dtype=torch.bool, device=pred.device)
    return distance.masked_fill(same, 0)


def _distance_loss(self: Any, preds_S: Tensor, preds_T: Tensor) -> Tensor:
    def normalised(points: Tensor) -> Tensor:
        distance = euclidean_distance(points)
        # What is not positive is 0; of a single point all is.
        mean = distance.sum() / (distance > 0).sum().clamp(min=1)
        return distance / mean.masked_fill(mean == 0, 1)

    return torch.nn.functional.smooth_l1_loss(normalised(preds_S), normalised(preds_T))


def _in_full_precision(forward: Callable) -> Callable:
    def forwarded(self: Any, preds_S: Tensor, preds_T: Tensor) -> Tensor:
        with full_precision(preds_S, preds_T) as both:
            return forward(self, *both)

    return forwarded
