"""ResNet for 32x32 images, with the sums before the last ReLU in view."""

import torch
from mmengine.registry import MODELS
from mmpretrain.models.backbones.resnet import BasicBlock, Bottleneck
from mmpretrain.models.backbones.resnet_cifar import ResNet_CIFAR
from torch import nn
from torch.nn.functional import pad

from ..errors import UserError


class TappedBasicBlock(BasicBlock):
    """mmpretrain's block whose residual sum is the output of ``preact``.

    The ReLU is not in-place: a recorder keeps a reference, and an in-place
    ReLU would turn the recorded sum into the activation.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, act_cfg=dict(type='ReLU', inplace=False), **kwargs)
        self.preact = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return self.relu(self.preact(out + identity))


class TappedBottleneck(Bottleneck):
    """The same for the bottleneck block."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, act_cfg=dict(type='ReLU', inplace=False), **kwargs)
        self.preact = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.relu(self.norm2(self.conv2(out)))
        out = self.norm3(self.conv3(out))
        return self.relu(self.preact(out + identity))


class PaddedShortcut(nn.Module):
    """Every ``stride``-th pixel, and zeros for the channels that are new.

    Option A of He et al., without weights. As many zeros stand before the input's
    channels as behind them, which is how the public checkpoints were trained.

    Forward: ``[N, in_channels, H, W]`` -> ``[N, out_channels, H / stride, ...]``.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        before = (out_channels - in_channels) // 2
        self.padding = (0, 0, 0, 0, before, out_channels - in_channels - before)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return pad(x[:, :, :: self.stride, :: self.stride], self.padding)


@MODELS.register_module()
class CIFARResNet(ResNet_CIFAR):
    """ResNet for CIFAR (He et al., CVPR 2016, section 4.2).

    Depths of the form 6n+2 have three stages of n basic blocks each; depth 50
    is the ImageNet network with a 3x3 stem of stride 1 and no max-pooling.

    Args:
        depth: 8, 14, 20, 32, 44, 56, 110, 1202 (three stages) or 50 (four).
        stem_channels: Channels behind the first convolution.
        base_channels: Width of the first stage (of its 3x3 convolutions for
            depth 50); every further stage is twice as wide. The "x4" networks
            of the distillation literature are (32, 64), ResNet-50 is (64, 64).
        out_indices: Stages whose output is returned; the last one by default.
        shortcut: Where the width changes, He et al.'s option ``'B'``, a 1x1
            convolution and its batch norm, or ``'A'``, the pixels themselves with
            zeros for the new channels (akamaster/pytorch_resnet_cifar10).
        in_channels: Of the images; 1 for grey ones.

    Forward: ``[N, in_channels, 32, 32]`` -> tuple of stage outputs (behind the ReLU).

    Raises:
        UserError: There is no network of that depth, or no such shortcut.
    """

    arch_settings: dict[int, tuple[type, tuple[int, ...]]] = {
        depth: (TappedBasicBlock, ((depth - 2) // 6,) * 3)
        for depth in (8, 14, 20, 32, 44, 56, 110, 1202)
    }
    arch_settings[50] = (TappedBottleneck, (3, 4, 6, 3))

    def __init__(
        self,
        depth: int,
        stem_channels: int = 16,
        base_channels: int = 16,
        out_indices: tuple[int, ...] | None = None,
        shortcut: str = 'B',
        in_channels: int = 3,
    ) -> None:
        if depth not in self.arch_settings:
            raise UserError(
                f'backbone.depth={depth}: CIFARResNet has the depths '
                f'{sorted(self.arch_settings)}; take one of them'
            )
        if shortcut not in ('A', 'B'):
            raise UserError(
                f'backbone.shortcut={shortcut!r}: CIFARResNet has A, without weights, '
                'and B, a convolution; take one of them'
            )
        self.shortcut = shortcut  # the stages are made in the next call
        num_stages = len(self.arch_settings[depth][1])
        super().__init__(
            depth,
            in_channels=in_channels,
            stem_channels=stem_channels,
            base_channels=base_channels,
            num_stages=num_stages,
            strides=(1, 2, 2, 2)[:num_stages],
            dilations=(1,) * num_stages,
            out_indices=out_indices or (num_stages - 1,),
            zero_init_residual=False,
        )
        self.widths = [base_channels * self.expansion * 2**i for i in range(num_stages)]

    @property
    def auxiliary_stages(self) -> tuple[int, ...]:
        """Outputs that carry an auxiliary classifier in HSAKD."""
        return tuple(range(self.num_stages))

    def make_res_layer(self, **kwargs) -> nn.Sequential:
        stage = super().make_res_layer(**kwargs)
        first = stage[0]
        if self.shortcut == 'A' and first.downsample is not None:
            first.downsample = PaddedShortcut(
                first.in_channels, first.out_channels, first.stride
            )
        return stage

    def _make_stage(self, in_channels: int, index: int, stride: int) -> nn.Module:
        return self.make_res_layer(
            block=self.block,
            num_blocks=self.stage_blocks[index],
            in_channels=in_channels,
            out_channels=self.widths[index],
            stride=stride,
        )

    def make_extractor(self, index: int) -> nn.Sequential:
        """New layers from the output of stage ``index`` to the pooled map.

        Behind the last stage that is the last stage once more, at stride 1.
        """
        last = self.num_stages - 1
        if index == last:
            return nn.Sequential(self._make_stage(self.widths[last], last, stride=1))
        return nn.Sequential(
            *(
                self._make_stage(self.widths[i - 1], i, stride=2)
                for i in range(index + 1, last + 1)
            )
        )
