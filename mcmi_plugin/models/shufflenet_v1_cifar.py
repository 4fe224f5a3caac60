"""ShuffleNetV1 for 32x32 images (Zhang et al., CVPR 2018)."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from mmpretrain.models.utils import channel_shuffle
from torch import nn

_GROUPS = 3
_STEM_CHANNELS = 24
_WIDTHS = (240, 480, 960)
NUM_BLOCKS = (4, 8, 4)


class ShuffleUnit(nn.Module):
    """Grouped 1x1, channel shuffle, depthwise 3x3, grouped 1x1, shortcut.

    At stride 2 the average-pooled input is concatenated, not added. Unlike
    mmpretrain's unit there is a ReLU behind the depthwise convolution, and
    the inner width is a quarter of the convolved channels only.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        # 24 stem channels are too few to split.
        self.groups = 1 if in_channels == _STEM_CHANNELS else _GROUPS
        convolved = out_channels - in_channels if stride == 2 else out_channels
        mid = convolved // 4
        self.conv1 = nn.Conv2d(in_channels, mid, 1, groups=self.groups, bias=False)
        self.bn1 = nn.BatchNorm2d(mid)
        self.conv2 = nn.Conv2d(
            mid, mid, 3, stride=stride, padding=1, groups=mid, bias=False
        )
        self.bn2 = nn.BatchNorm2d(mid)
        self.conv3 = nn.Conv2d(mid, convolved, 1, groups=_GROUPS, bias=False)
        self.bn3 = nn.BatchNorm2d(convolved)
        self.preact = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = channel_shuffle(out, self.groups)
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.stride == 2:
            out = torch.cat([out, F.avg_pool2d(x, 3, stride=2, padding=1)], dim=1)
        else:
            out = out + x
        return F.relu(self.preact(out))


def _make_stage(in_channels: int, index: int, stride: int) -> nn.Sequential:
    width = _WIDTHS[index]
    return nn.Sequential(
        ShuffleUnit(in_channels, width, stride),
        *(ShuffleUnit(width, width, 1) for _ in range(NUM_BLOCKS[index] - 1)),
    )


@MODELS.register_module()
class CIFARShuffleNetV1(BaseBackbone):
    """ShuffleNetV1 with three groups and a 1x1 stem of stride 1.

    Weights start at torch's defaults (no ``init_cfg``), as in RepDistiller.

    Args:
        out_indices: Stages whose output is returned (0 to 2).
        in_channels: Of the images; 1 for grey ones.

    Forward: ``[N, in_channels, 32, 32]`` -> tuple of maps (behind the ReLU).
    """

    auxiliary_stages = (0, 1, 2)

    def __init__(
        self, out_indices: tuple[int, ...] = (2,), in_channels: int = 3
    ) -> None:
        super().__init__()
        self.out_indices = out_indices
        self.conv1 = nn.Conv2d(in_channels, _STEM_CHANNELS, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_STEM_CHANNELS)
        self.relu = nn.ReLU()
        self.layer1 = _make_stage(_STEM_CHANNELS, 0, stride=2)
        self.layer2 = _make_stage(_WIDTHS[0], 1, stride=2)
        self.layer3 = _make_stage(_WIDTHS[1], 2, stride=2)

    def make_extractor(self, index: int) -> nn.Sequential:
        """New layers from the output of stage ``index`` to the pooled map.

        Behind the last stage that is the last stage once more, at stride 1.
        """
        if index == 2:
            stages = [_make_stage(_WIDTHS[2], 2, stride=1)]
        else:
            stages = [
                _make_stage(_WIDTHS[i - 1], i, stride=2) for i in range(index + 1, 3)
            ]
        return nn.Sequential(*stages)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.relu(self.bn1(self.conv1(x)))
        outs = []
        for stage in (self.layer1, self.layer2, self.layer3):
            x = stage(x)
            outs.append(x)
        return tuple(outs[i] for i in self.out_indices)
