"""ReviewKD as a loss for a distiller."""

from collections.abc import Sequence
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from ..errors import UserError
from ..functional.review import hierarchical_context
from .attention_fusion import AttentionFusion
from .features import check_features, require_channels

_MAX_MID_CHANNELS = 512  # as in the reference implementation


@MODELS.register_module()
class ReviewKDLoss(nn.Module):
    """Knowledge review: every stage of the teacher is matched by the student's stage
    of that depth fused with all deeper ones.

    Chen et al., *Distilling Knowledge via Knowledge Review*, CVPR 2021. The fusion
    levels need all stages at once, so the loss owns them. The reference multiplies
    by min(epoch / 20, 1), epochs counted from 1: see ``LossWarmupHook``.

    Args:
        in_channels: of the student's stages, shallow to deep, the pooled vector last.
        out_channels: of the teacher's, likewise.
        loss_weight: 0.6 to 8 in the MCMI paper, by pair of networks.

    Raises:
        UserError: lists of unequal length, or longer than five.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if len(in_channels) != len(out_channels) or len(in_channels) > 5:
            raise UserError(
                'distill_losses: ReviewKDLoss wants in_channels and out_channels of '
                f'equal length, 5 at most: got {len(in_channels)} and '
                f'{len(out_channels)}'
            )
        self.loss_weight = loss_weight
        self.in_channels = tuple(in_channels)
        self.out_channels = tuple(out_channels)
        mid_channels = min(_MAX_MID_CHANNELS, in_channels[-1])
        deepest = len(in_channels) - 1
        self.fusions = nn.ModuleList(
            AttentionFusion(
                in_channels[level],
                mid_channels,
                out_channels[level],
                deepest=level == deepest,
            )
            for level in range(len(in_channels))
        )

    def forward(
        self,
        s_feature_0: Tensor,
        t_feature_0: Tensor,
        s_feature_1: Tensor | None = None,
        t_feature_1: Tensor | None = None,
        s_feature_2: Tensor | None = None,
        t_feature_2: Tensor | None = None,
        s_feature_3: Tensor | None = None,
        t_feature_3: Tensor | None = None,
        s_feature_4: Tensor | None = None,
        t_feature_4: Tensor | None = None,
    ) -> Tensor:
        """Sum of the levels' hierarchical context losses.

        A distiller passes one recorded tensor per argument, hence one per stage.

        Args:
            s_feature_0 ... s_feature_4: [B, in_channels[i], H, W], the student's
                stages after the ReLU, as many as in_channels has entries. The last
                may be the pooled vector, [B, in_channels[-1]].
            t_feature_0 ... t_feature_4: [B, out_channels[i], H, W], the teacher's
                before the ReLU; constant.

        Returns:
            Scalar times loss_weight.

        Raises:
            UserError: stages missing, of another rank or other channels.
        """
        student = self._stages(
            's_feature',
            (s_feature_0, s_feature_1, s_feature_2, s_feature_3, s_feature_4),
            'in_channels',
            self.in_channels,
        )
        teacher = self._stages(
            't_feature',
            (t_feature_0, t_feature_1, t_feature_2, t_feature_3, t_feature_4),
            'out_channels',
            self.out_channels,
        )
        residual: Tensor | None = None
        loss: Any = 0.0
        for level in reversed(range(len(self.fusions))):
            out, residual = self.fusions[level](
                student[level], residual, teacher[level].shape[-2:]
            )
            loss = loss + hierarchical_context(out, teacher[level])
        return self.loss_weight * loss

    def _stages(
        self,
        key: str,
        recorded: tuple[Tensor | None, ...],
        channels_key: str,
        channels: tuple[int, ...],
    ) -> list[Tensor]:
        """The recorded stages as maps, one for each entry of `channels`."""
        stages = [stage for stage in recorded if stage is not None]
        if len(stages) != len(channels):
            raise UserError(
                f'loss_forward_mappings of ReviewKDLoss: {len(stages)} of {key}_*, '
                f'but {channels_key} has {len(channels)} entries; map {key}_0 to '
                f'{key}_{len(channels) - 1}'
            )
        last = stages[-1]
        if isinstance(last, Tensor) and last.ndim == 2:
            stages[-1] = last[:, :, None, None]
        for i, (stage, expected) in enumerate(zip(stages, channels, strict=True)):
            check_features(self, 'map', **{f'{key}_{i}': stage})
            require_channels(self, stage, f'{channels_key}[{i}]', expected)
        return stages
