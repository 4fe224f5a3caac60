"""Half-width MobileNetV2 for 32x32 images (Sandler et al., CVPR 2018)."""

import torch
from mmengine.registry import MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import nn

_STEM_CHANNELS = 16
_FINAL_CHANNELS = 1280
# expansion, channels (half of the paper's), blocks, stride of the first block
_GROUPS = (
    (1, 8, 1, 1),
    (6, 12, 2, 1),
    (6, 16, 3, 2),
    (6, 32, 4, 2),
    (6, 48, 3, 1),
    (6, 80, 3, 2),
    (6, 160, 1, 1),
)
# The groups whose output ends a stage of the distillation literature.
STAGE_ENDS = (1, 2, 4, 6)


def conv_bn_relu(
    in_channels: int, out_channels: int, kernel_size: int, **kwargs
) -> list[nn.Module]:
    padding = kernel_size // 2
    return [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=padding,
            bias=False,
            **kwargs,
        ),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]


class InvertedResidual(nn.Module):
    """Expand, depthwise 3x3, project linearly; plus the input where it fits.

    Unlike mmpretrain's block it has ReLU for ReLU6, and expands by a
    convolution even where the expansion is 1.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.adds_input = stride == 1 and in_channels == out_channels
        self.conv = nn.Sequential(
            *conv_bn_relu(in_channels, hidden, 1),
            *conv_bn_relu(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.adds_input else self.conv(x)


def make_group(
    in_channels: int, out_channels: int, num_blocks: int, stride: int, expansion: int
) -> nn.Sequential:
    return nn.Sequential(
        InvertedResidual(in_channels, out_channels, stride, expansion),
        *(
            InvertedResidual(out_channels, out_channels, 1, expansion)
            for _ in range(num_blocks - 1)
        ),
    )


@MODELS.register_module()
class CIFARMobileNetV2(BaseBackbone):
    """MobileNetV2 of width 0.5 and expansion 6.

    A block ends linearly, so a stage's output is its pre-activation too.

    Args:
        stem_stride: 2 in RepDistiller (maps of 16, 8, 4 and 2 pixels); HSAKD
            has 1, and maps twice that size.
        out_indices: What is returned: 0 to 3 are the stages, 4 is the 1280
            channel map that is pooled for the classifier.
        in_channels: Of the images; 1 for grey ones.

    Forward: ``[N, in_channels, 32, 32]`` -> tuple of maps.
    """

    auxiliary_stages = (0, 1, 2, 3)

    def __init__(
        self,
        stem_stride: int = 2,
        out_indices: tuple[int, ...] = (4,),
        in_channels: int = 3,
    ) -> None:
        super().__init__(
            init_cfg=[
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer='BatchNorm2d'),
            ]
        )
        self.out_indices = out_indices
        self.conv1 = nn.Sequential(
            *conv_bn_relu(in_channels, _STEM_CHANNELS, 3, stride=stem_stride)
        )
        self.blocks = nn.ModuleList()
        in_channels = _STEM_CHANNELS
        for expansion, width, num_blocks, stride in _GROUPS:
            self.blocks.append(
                make_group(in_channels, width, num_blocks, stride, expansion)
            )
            in_channels = width
        self.conv2 = nn.Sequential(*conv_bn_relu(in_channels, _FINAL_CHANNELS, 1))

    def make_extractor(self, index: int) -> nn.Sequential:
        """New layers from the output of stage ``index`` to the pooled map.

        Behind the last stage that is the last stage once more, at stride 1.
        """
        end = STAGE_ENDS[index]
        behind_last = end == STAGE_ENDS[-1]
        in_channels = _GROUPS[end][1]
        layers: list[nn.Module] = []
        for expansion, width, num_blocks, stride in _GROUPS[
            5 if behind_last else end + 1 :
        ]:
            stride = 1 if behind_last else stride
            layers.append(make_group(in_channels, width, num_blocks, stride, expansion))
            in_channels = width
        final = nn.Sequential(*conv_bn_relu(in_channels, _FINAL_CHANNELS, 1))
        return nn.Sequential(*layers, final)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.conv1(x)
        outs = []
        for i, group in enumerate(self.blocks):
            x = group(x)
            if i in STAGE_ENDS:
                outs.append(x)
        outs.append(self.conv2(x))
        return tuple(outs[i] for i in self.out_indices)
