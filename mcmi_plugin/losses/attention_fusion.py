"""Attention-based fusion (ABF) of a stage with what came up from below it."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class AttentionFusion(nn.Module):
    """One level of ReviewKD's path from deep to shallow.

    Chen et al., *Distilling Knowledge via Knowledge Review*, CVPR 2021, figure 3b.
    A part of ``ReviewKDLoss``, not a connector for a config: it takes two tensors
    and gives two, where MMRazor's connectors map one to one.

    Args:
        in_channels: of the student's stage.
        mid_channels: of the residual, equal on all levels.
        out_channels: of the teacher's stage.
        deepest: nothing comes from below, hence no attention.
    """

    def __init__(
        self, in_channels: int, mid_channels: int, out_channels: int, deepest: bool
    ) -> None:
        super().__init__()
        self.reduce = nn.Sequential(
            nn.Conv2d(in_channels, mid_channels, 1, bias=False),
            nn.BatchNorm2d(mid_channels),
        )
        self.expand = nn.Sequential(
            nn.Conv2d(mid_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.attention = None
        if not deepest:
            self.attention = nn.Conv2d(2 * mid_channels, 2, 1)
        for conv in (self.reduce[0], self.expand[0]):
            nn.init.kaiming_uniform_(cast(Tensor, conv.weight), a=1)

    def forward(
        self, feature: Tensor, residual: Tensor | None, size: torch.Size
    ) -> tuple[Tensor, Tensor]:
        """Fuse, and resize to the teacher.

        Args:
            feature: [B, in_channels, H, W], the student's stage.
            residual: [B, mid_channels, h, w] of the next deeper level; None on the
                deepest.
            size: (height, width) of the teacher's stage.

        Returns:
            ``[B, out_channels, *size]`` to compare with the teacher, and the residual
            for the next shallower level, ``[B, mid_channels, *size]``.
        """
        fused = self.reduce(feature)
        if self.attention is not None:
            below = interpolate(
                cast(Tensor, residual), fused.shape[-2:], mode='nearest'
            )
            share = self.attention(torch.cat([fused, below], 1)).sigmoid()
            fused = fused * share[:, :1] + below * share[:, 1:]
        if fused.shape[-2:] != size:
            fused = interpolate(fused, size, mode='nearest')
        return self.expand(fused), fused
