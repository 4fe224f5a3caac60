"""Residual networks as four repositories of GitHub name them, with random weights.

Written anew from their descriptions: the names of the weights and the arithmetic
are theirs, akamaster's shortcut is written out channel by channel.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OptionA(nn.Module):
    """Akamaster's shortcut: every second pixel, a quarter of zeros on either side."""

    def forward(self, x: Tensor) -> Tensor:
        num, channels, height, width = x.shape
        out = torch.zeros(num, 2 * channels, height // 2, width // 2)
        for channel in range(channels):
            out[:, channels // 2 + channel] = x[:, channel, ::2, ::2]
        return out


def option_b(in_channels: int, channels: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),
        nn.BatchNorm2d(channels),
    )


class Block(nn.Module):
    """Two convolutions or, with ``expansion`` 4, the bottleneck's three."""

    def __init__(self, sizes: list[tuple], shortcut: nn.Module | None, name: str):
        super().__init__()
        for i, size in enumerate(sizes, 1):
            self.add_module(f'conv{i}', convolution(*size))
            self.add_module(f'bn{i}', nn.BatchNorm2d(size[1]))
        self.num = len(sizes)
        # chenyaofo's blocks have None, the others an empty Sequential.
        self.add_module(name, shortcut)
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        shortcut, out = getattr(self, self.name), x
        for i in range(1, self.num + 1):
            out = getattr(self, f'conv{i}')(out)
            out = getattr(self, f'bn{i}')(out)
            out = F.relu(out) if i < self.num else out
        return F.relu(out + (x if shortcut is None else shortcut(x)))


class FunctionBlock(nn.Module):
    """Weiaicunzai's: the same layers, numbered in one Sequential."""

    def __init__(self, sizes: list[tuple], shortcut: nn.Module | None):
        super().__init__()
        layers: list[nn.Module] = []
        for size in sizes:
            layers += [convolution(*size), nn.BatchNorm2d(size[1]), nn.ReLU()]
        self.residual_function = nn.Sequential(*layers[:-1])
        self.shortcut = shortcut or nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.residual_function(x) + self.shortcut(x))


def convolution(in_channels: int, channels: int, kernel: int, stride: int = 1):
    return nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)


class Network(nn.Module):
    """A network by its library: akamaster, chenyaofo, kuangliu or weiaicunzai."""

    def __init__(
        self, library: str, num_blocks: list[int], expansion: int = 1, num_classes=10
    ):
        super().__init__()
        self.library = library
        width = 16 if len(num_blocks) == 3 else 64
        stem: list[nn.Module] = [convolution(3, width, 3), nn.BatchNorm2d(width)]
        if library == 'weiaicunzai':
            self.conv1 = nn.Sequential(*stem, nn.ReLU())
        else:
            self.conv1, self.bn1 = stem
        self.stages, channels = [], width
        for i, num in enumerate(num_blocks):
            blocks = []
            for j in range(num):
                stride = 2 if i and not j else 1
                blocks.append(self.block(channels, width * 2**i, stride, expansion))
                channels = width * 2**i * expansion
            name = f'conv{i + 2}_x' if library == 'weiaicunzai' else f'layer{i + 1}'
            self.add_module(name, nn.Sequential(*blocks))
            self.stages.append(name)
        classifier = nn.Linear(channels, num_classes)
        self.last = 'linear' if library in ('akamaster', 'kuangliu') else 'fc'
        self.add_module(self.last, classifier)

    def block(self, before: int, width: int, stride: int, expansion: int) -> nn.Module:
        after = width * expansion
        if expansion == 1:
            sizes = [(before, width, 3, stride), (width, width, 3)]
        else:
            sizes = [(before, width, 1), (width, width, 3, stride), (width, after, 1)]
        shortcut = None
        if stride != 1 or before != after:
            shortcut = option_b(before, after, stride)
            if self.library == 'akamaster':
                shortcut = OptionA()
        if self.library == 'weiaicunzai':
            return FunctionBlock(sizes, shortcut)
        name = 'downsample' if self.library == 'chenyaofo' else 'shortcut'
        return Block(sizes, shortcut, name)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        if self.library != 'weiaicunzai':
            x = F.relu(self.bn1(x))
        for name in self.stages:
            x = getattr(self, name)(x)
        return getattr(self, self.last)(x.mean((2, 3)))
