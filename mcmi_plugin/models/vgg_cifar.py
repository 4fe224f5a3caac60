"""VGG with batch norm for 32x32 images (Simonyan and Zisserman, ICLR 2015)."""

import torch
from mmengine.registry import MODELS
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import nn

from ..errors import UserError

_WIDTHS = (64, 128, 256, 512, 512)
# Unlike the ImageNet network, which also pools before block 4 and behind it:
# a 32x32 image would be down to 1x1 there.
POOLED_BLOCKS = (1, 2, 3)


def make_block(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    """conv-BN-ReLU ... conv-BN: the last ReLU stands outside, so that the
    block's own output is the pre-activation."""
    layers: list[nn.Module] = []
    for _ in range(num_convs):
        layers += [
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        ]
        in_channels = out_channels
    return nn.Sequential(*layers[:-1])


@MODELS.register_module()
class CIFARVGG(BaseBackbone):
    """VGG-8 or VGG-13 without the hidden fully connected layers.

    ``block{i}`` gives the pre-activation and ``relu{i}`` the output of block i
    (0 to 4); block 0 is the stem of the distillation literature.

    Args:
        depth: 8 (one convolution a block) or 13 (two).
        out_indices: Blocks whose output is returned.
        in_channels: Of the images; 1 for grey ones.

    Forward: ``[N, in_channels, 32, 32]`` -> tuple of maps (behind the ReLU).

    Raises:
        UserError: There is no network of that depth.
    """

    num_convs = {8: 1, 13: 2}
    # HSAKD reads the stem and takes blocks 3 and 4, of one resolution, as one.
    auxiliary_stages = (0, 1, 2, 4)

    def __init__(
        self, depth: int, out_indices: tuple[int, ...] = (4,), in_channels: int = 3
    ) -> None:
        super().__init__(
            init_cfg=[
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer='BatchNorm2d'),
            ]
        )
        if depth not in self.num_convs:
            raise UserError(
                f'backbone.depth={depth}: CIFARVGG has the depths '
                f'{sorted(self.num_convs)}; take one of them'
            )
        self.depth = depth
        self.out_indices = out_indices
        self.pool = nn.MaxPool2d(2)
        for i, width in enumerate(_WIDTHS):
            block = make_block(in_channels, width, self.num_convs[depth])
            self.add_module(f'block{i}', block)
            self.add_module(f'relu{i}', nn.ReLU())
            in_channels = width

    def make_extractor(self, index: int) -> nn.Sequential:
        """New layers from the output of block ``index`` to the pooled map.

        Behind the last block those are blocks 3 and 4 once more, unpooled.
        """
        blocks = (3, 4) if index == 4 else range(index + 1, 5)
        in_channels = _WIDTHS[index]
        layers: list[nn.Module] = []
        for i in blocks:
            if i in POOLED_BLOCKS and index != 4:
                layers.append(nn.MaxPool2d(2))
            layers.append(
                make_block(in_channels, _WIDTHS[i], self.num_convs[self.depth])
            )
            layers.append(nn.ReLU())
            in_channels = _WIDTHS[i]
        return nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outs = []
        for i in range(len(_WIDTHS)):
            if i in POOLED_BLOCKS:
                x = self.pool(x)
            x = getattr(self, f'relu{i}')(getattr(self, f'block{i}')(x))
            outs.append(x)
        return tuple(outs[i] for i in self.out_indices)
