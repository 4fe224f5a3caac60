"""Attention transfer for stages of unequal size."""

from mmengine.registry import MODELS
from torch import Tensor, nn

from ..functional.attention import attention_transfer
from .features import check_features
from .precision import full_precision


@MODELS.register_module()
class PooledATLoss(nn.Module):
    """AT of one stage, the larger map average-pooled to the smaller.

    MMRazor's ``ATLoss`` wants maps of equal size, where the two agree.

    Args:
        loss_weight: 1000 in the MCMI paper.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """See :func:`~mcmi_plugin.functional.attention.attention_transfer`.

        Args:
            s_feature: [B, Cs, Hs, Ws], a stage of the student.
            t_feature: [B, Ct, Ht, Wt], the teacher's stage; constant.

        Returns:
            Scalar times loss_weight.

        Raises:
            UserError: not two maps of one batch.
        """
        check_features(self, 'map', s_feature=s_feature, t_feature=t_feature)
        with full_precision(s_feature, t_feature) as (student, teacher):
            return self.loss_weight * attention_transfer(student, teacher)
