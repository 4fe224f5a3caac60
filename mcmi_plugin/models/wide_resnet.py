"""Wide ResNet for 32x32 images (Zagoruyko and Komodakis, BMVC 2016)."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import nn

from ..errors import UserError


class PreActBasicBlock(nn.Module):
    """BN-ReLU-conv twice, plus the input or its 1x1 projection.

    Where the width changes the projection takes the *activated* input; where
    it does not, the raw input is added.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(
            in_channels, out_channels, 3, stride=stride, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.shortcut = (
            None
            if in_channels == out_channels
            else nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        activated = F.relu(self.bn1(x))
        identity = x if self.shortcut is None else self.shortcut(activated)
        out = self.conv1(activated)
        return identity + self.conv2(F.relu(self.bn2(out)))


@MODELS.register_module()
class CIFARWideResNet(BaseBackbone):
    """WRN-``depth``-``widen_factor`` without dropout.

    A stage's output is the raw sum of its last block. Its pre-activation in
    the distillation literature is the batch norm that reads it: the first one
    of the next stage, or the final ``bn1``.

    Args:
        depth: 6n+4; each of the three stages has n blocks.
        widen_factor: The stages have 16, 32 and 64 channels times this.
        out_indices: What is returned: 0 to 2 are the stages, 3 is the
            activated output that is pooled for the classifier.
        in_channels: Of the images; 1 for grey ones.

    Forward: ``[N, in_channels, 32, 32]`` -> tuple of maps.

    Raises:
        UserError: The depth is not of that form.
    """

    auxiliary_stages = (0, 1, 2)

    def __init__(
        self,
        depth: int,
        widen_factor: int,
        out_indices: tuple[int, ...] = (3,),
        in_channels: int = 3,
    ) -> None:
        super().__init__(
            init_cfg=[
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer='BatchNorm2d'),
            ]
        )
        if (depth - 4) % 6:
            raise UserError(
                f'backbone.depth={depth}: a wide ResNet has depth 6n+4; '
                'take 16 or 40, say'
            )
        self.num_blocks = (depth - 4) // 6
        self.widths = [width * widen_factor for width in (16, 32, 64)]
        self.out_indices = out_indices
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.layer1 = self._make_stage(16, 0, stride=1)
        self.layer2 = self._make_stage(self.widths[0], 1, stride=2)
        self.layer3 = self._make_stage(self.widths[1], 2, stride=2)
        self.bn1 = nn.BatchNorm2d(self.widths[2])

    def _make_stage(self, in_channels: int, index: int, stride: int) -> nn.Sequential:
        width = self.widths[index]
        return nn.Sequential(
            PreActBasicBlock(in_channels, width, stride),
            *(PreActBasicBlock(width, width, 1) for _ in range(self.num_blocks - 1)),
        )

    def make_extractor(self, index: int) -> nn.Sequential:
        """New layers from the output of stage ``index`` to the pooled map.

        Behind the last stage that is the last stage once more, at stride 1.
        """
        if index == 2:
            stages = [self._make_stage(self.widths[2], 2, stride=1)]
        else:
            stages = [
                self._make_stage(self.widths[i - 1], i, stride=2)
                for i in range(index + 1, 3)
            ]
        return nn.Sequential(*stages, nn.BatchNorm2d(self.widths[2]), nn.ReLU())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.conv1(x)
        outs = []
        for stage in (self.layer1, self.layer2, self.layer3):
            x = stage(x)
            outs.append(x)
        outs.append(F.relu(self.bn1(x)))
        return tuple(outs[i] for i in self.out_indices)
