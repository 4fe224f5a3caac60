"""Variational information distillation as a loss for a distiller."""

from typing import cast

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..functional.precision import full_precision
from ..functional.spatial import match_spatial_size
from ..functional.variational import gaussian_nll, initial_log_scale
from .features import check_features, require_channels


@MODELS.register_module()
class VIDLoss(nn.Module):
    """VID of one stage, with its regressor and its variances.

    The regressor belongs to the loss, and is no connector, because the maps are
    brought to one size before it and the variances are trained beside it.

    Args:
        student_channels: of the student's stage.
        teacher_channels: of the teacher's stage.
        init_variance: of every channel at the start of training.
        loss_weight: 1 in the MCMI paper.
    """

    def __init__(
        self,
        student_channels: int,
        teacher_channels: int,
        init_variance: float = 5.0,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight

        def conv1x1(in_channels: int) -> nn.Conv2d:
            return nn.Conv2d(in_channels, teacher_channels, 1, bias=False)

        self.regressor = nn.Sequential(
            conv1x1(student_channels),
            nn.ReLU(),
            conv1x1(teacher_channels),
            nn.ReLU(),
            conv1x1(teacher_channels),
        )
        self.log_scale = nn.Parameter(
            torch.full((teacher_channels,), initial_log_scale(init_variance))
        )

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Scalar in nats times ``loss_weight``: :func:`.gaussian_nll`.

        Args:
            s_feature: [B, student_channels, Hs, Ws].
            t_feature: [B, teacher_channels, Ht, Wt]; constant.

        Raises:
            UserError: not two maps of one batch with these channels.
        """
        check_features(self, 'map', s_feature=s_feature, t_feature=t_feature)
        student_channels = cast(nn.Conv2d, self.regressor[0]).in_channels
        require_channels(self, s_feature, 'student_channels', student_channels)
        require_channels(self, t_feature, 'teacher_channels', len(self.log_scale))
        with full_precision(s_feature, t_feature) as features:
            student, teacher = match_spatial_size(*features)
            mean = self.regressor(student)
            return self.loss_weight * gaussian_nll(mean, self.log_scale, teacher)
