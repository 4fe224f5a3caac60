"""HSAKD's distillation term as a loss for a distiller."""

from collections.abc import Sequence

from mmengine.registry import MODELS
from torch import Tensor, nn

from ..errors import UserError
from ..functional.hierarchical import hierarchical_distillation


@MODELS.register_module()
class HSAKDLoss(nn.Module):
    """Softened KL divergence of the logits and of every auxiliary classifier.

    The number of auxiliary classifiers follows the network, so one config serves
    all pairs. The cross-entropy on the upright images is the student's own loss.

    Args:
        tau: temperature, 3 in the reference implementation.
        loss_weight: 1 in the MCMI paper.
    """

    def __init__(self, tau: float = 3.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.tau = tau
        self.loss_weight = loss_weight

    def forward(
        self,
        preds_S: Tensor,
        preds_T: Tensor,
        aux_S: Sequence[Tensor],
        aux_T: Sequence[Tensor],
    ) -> Tensor:
        """Scalar in nats times ``loss_weight``: :func:`.hierarchical_distillation`.

        Args:
            preds_S: [4B, C], the student's logits of the rotated batch.
            preds_T: [4B, C], the teacher's; constant.
            aux_S: per stage [4B, 4C], logits of the student's auxiliary classifiers.
            aux_T: the same of the teacher; constant.

        Raises:
            UserError: student and teacher differ in their auxiliary classifiers.
        """
        student, teacher = [*aux_S, preds_S], [*aux_T, preds_T]
        shapes = [[list(p.shape) for p in preds] for preds in (student, teacher)]
        if shapes[0] != shapes[1]:
            raise UserError(
                'loss_forward_mappings of HSAKDLoss: logits of the student are '
                f'{shapes[0]}, of the teacher {shapes[1]}; give both networks the '
                'same number of stages with an auxiliary classifier'
            )
        return self.loss_weight * hierarchical_distillation(student, teacher, self.tau)
