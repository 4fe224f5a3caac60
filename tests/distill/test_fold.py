"""Folding batch norm into convolutions, on networks whose answers are known."""

import pytest
import torch
from mmcv.cnn.bricks import ConvWS2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mcmi_plugin.distill.fold import folded


def settled(network: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
    return network.eval().requires_grad_(False)


IMAGES = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))


def on_images(network: nn.Module) -> list[torch.Tensor]:
    return [network(IMAGES)]


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('affine', [True, False])
def test_it_is_torchs_fusion(bias, affine):
    network = settled(
        nn.Sequential(
            nn.Conv2d(4, 4, 3, groups=2, bias=bias), nn.BatchNorm2d(4, affine=affine)
        )
    )
    before = {name: value.clone() for name, value in network.state_dict().items()}
    twin = folded(network, on_images, [])
    expected = fuse_conv_bn_eval(*network)
    assert torch.equal(twin[0].weight, expected.weight)
    assert torch.equal(twin[0].bias, expected.bias)
    assert isinstance(twin[1], nn.Identity)
    assert not any(weight.requires_grad for weight in twin.parameters())
    torch.testing.assert_close(on_images(twin), on_images(network))
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert norms(network) == 1 and not network[0]._forward_hooks


class PreActivation(nn.Module):
    """Batch norm first; its input is a sum, not a convolution's output."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 1)

    def forward(self, x):
        x = x + self.first(x)
        return x + self.second(self.norm(x).relu())


class Shared(nn.Module):
    """One convolution in front of two batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4)])

    def forward(self, x):
        return sum(norm(self.conv(x)) for norm in self.norms)


class ReadTwice(nn.Module):
    """The convolution's output goes past batch norm as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return x + self.norm(x)


class Standardised(nn.Sequential):
    """The weight is not what the convolution works with."""

    def __init__(self) -> None:
        super().__init__(ConvWS2d(4, 4, 1), nn.BatchNorm2d(4))


@pytest.mark.parametrize('kind', [PreActivation, Shared, ReadTwice, Standardised])
def test_what_does_not_fold_is_left_alone(kind):
    assert folded(settled(kind()), on_images, []) is None


def test_its_neighbours_are_folded_all_the_same():
    network = settled(nn.Sequential(Shared(), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)))
    twin = folded(network, on_images, [])
    assert norms(twin) == 2 and isinstance(twin[2], nn.Identity)
    torch.testing.assert_close(on_images(twin), on_images(network))


def test_what_is_read_keeps_its_batch_norm():
    network = settled(
        nn.Sequential(
            nn.Sequential(nn.Conv2d(4, 4, 1)),
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 4, 1),
            nn.BatchNorm2d(4),
        )
    )

    def run(net: nn.Module) -> list[torch.Tensor]:
        inner = net[0](IMAGES)
        return [inner, net[1:](inner)]

    twin = folded(network, run, [])
    assert isinstance(twin[1], nn.BatchNorm2d) and isinstance(twin[3], nn.Identity)
    torch.testing.assert_close(run(twin), run(network))


def test_hooks_stay_with_whom_they_belong_to():
    class Recorder:
        def __init__(self) -> None:
            self.seen = []

        def hook(self, module, inputs, output) -> None:
            self.seen.append(output)

    recorder = Recorder()
    network = settled(nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)))
    network[1].register_forward_hook(recorder.hook)
    twin = folded(network, on_images, [recorder])
    recorder.seen.clear()
    (output,) = on_images(twin)
    assert recorder.seen == [output]
