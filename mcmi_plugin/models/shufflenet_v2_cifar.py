"""ShuffleNetV2 for 32x32 images (Ma et al., ECCV 2018)."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from mmpretrain.models.utils import channel_shuffle
from torch import nn

_STEM_CHANNELS = 24
_FINAL_CHANNELS = 1024
_WIDTHS = (116, 232, 464)
# Basic units behind the downsampling unit of each stage.
NUM_BASIC = (3, 7, 3)


def depthwise(channels: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(
        channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False
    )


def pointwise(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 1, bias=False)


class BasicUnit(nn.Module):
    """One half of the channels is convolved, the other passes through."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = pointwise(half, half)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = depthwise(half, stride=1)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = pointwise(half, half)
        self.bn3 = nn.BatchNorm2d(half)
        self.preact = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        passed, out = x.chunk(2, dim=1)
        out = F.relu(self.bn1(self.conv1(out)))
        out = self.bn2(self.conv2(out))
        out = self.bn3(self.conv3(out))
        # The half that passed is an activation already, so a ReLU over both
        # changes nothing, and the map before it is there to be recorded.
        out = self.preact(torch.cat([passed, out], dim=1))
        return channel_shuffle(F.relu(out), 2)


class DownUnit(nn.Module):
    """Both branches convolve the whole input and halve its size at stride 2."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv1 = depthwise(in_channels, stride)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv2 = pointwise(in_channels, half)
        self.bn2 = nn.BatchNorm2d(half)

        self.conv3 = pointwise(in_channels, half)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv4 = depthwise(half, stride)
        self.bn4 = nn.BatchNorm2d(half)
        self.conv5 = pointwise(half, half)
        self.bn5 = nn.BatchNorm2d(half)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = F.relu(self.bn3(self.conv3(x)))
        right = self.bn4(self.conv4(right))
        right = F.relu(self.bn5(self.conv5(right)))
        return channel_shuffle(torch.cat([left, right], dim=1), 2)


def _make_stage(in_channels: int, index: int, stride: int) -> nn.Sequential:
    width = _WIDTHS[index]
    return nn.Sequential(
        DownUnit(in_channels, width, stride),
        *(BasicUnit(width) for _ in range(NUM_BASIC[index])),
    )


@MODELS.register_module()
class CIFARShuffleNetV2(BaseBackbone):
    """ShuffleNetV2 of width 1 with a 1x1 stem of stride 1.

    Weights start at torch's defaults (no ``init_cfg``), as in RepDistiller.

    Args:
        out_indices: What is returned: 0 to 2 are the stages, 3 is the 1024
            channel map that is pooled for the classifier.
        in_channels: Of the images; 1 for grey ones.

    Forward: ``[N, in_channels, 32, 32]`` -> tuple of maps (behind the ReLU).
    """

    auxiliary_stages = (0, 1, 2)

    def __init__(
        self, out_indices: tuple[int, ...] = (3,), in_channels: int = 3
    ) -> None:
        super().__init__()
        self.out_indices = out_indices
        self.conv1 = pointwise(in_channels, _STEM_CHANNELS)
        self.bn1 = nn.BatchNorm2d(_STEM_CHANNELS)
        self.relu = nn.ReLU()
        self.layer1 = _make_stage(_STEM_CHANNELS, 0, stride=2)
        self.layer2 = _make_stage(_WIDTHS[0], 1, stride=2)
        self.layer3 = _make_stage(_WIDTHS[1], 2, stride=2)
        self.conv2 = pointwise(_WIDTHS[2], _FINAL_CHANNELS)
        self.bn2 = nn.BatchNorm2d(_FINAL_CHANNELS)

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
        return nn.Sequential(
            *stages,
            pointwise(_WIDTHS[2], _FINAL_CHANNELS),
            nn.BatchNorm2d(_FINAL_CHANNELS),
            nn.ReLU(),
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.relu(self.bn1(self.conv1(x)))
        outs = []
        for stage in (self.layer1, self.layer2, self.layer3):
            x = stage(x)
            outs.append(x)
        outs.append(F.relu(self.bn2(self.conv2(x))))
        return tuple(outs[i] for i in self.out_indices)
