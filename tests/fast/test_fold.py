"""Folding batch norm into convolutions, on networks whose answers are known."""

import pytest
import torch
from mmcv.cnn.bricks import ConvWS2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mcmi_plugin.fast.fold import Folding, find_folding, folded_weights


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


def find(network: nn.Module) -> Folding:
    return find_folding(network, lambda: [network(IMAGES)])


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('affine', [True, False])
def test_it_is_torchs_fusion(bias, affine):
    network = settled(
        nn.Sequential(
            nn.Conv2d(4, 4, 3, groups=2, bias=bias), nn.BatchNorm2d(4, affine=affine)
        )
    ).double()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    weight, bias = folded_weights(*network)
    expected = fuse_conv_bn_eval(*network)
    torch.testing.assert_close(weight, expected.weight, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(bias, expected.bias, rtol=1e-14, atol=1e-14)
    images = IMAGES.double()
    folding = find_folding(network, lambda: [network(images)])
    assert len(folding.pairs) == 1
    with torch.no_grad():
        found = folding.run(lambda: network(images))
        torch.testing.assert_close(found, network(images), rtol=1e-12, atol=1e-12)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    for module in network:
        assert not module._forward_hooks and not module._forward_pre_hooks
        assert 'forward' not in vars(module)


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


class Scaled(nn.Module):
    """A hook changes the convolution's output."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.conv.register_forward_hook(lambda module, inputs, output: output * 2)

    def forward(self, x):
        return self.norm(self.conv(x))


@pytest.mark.parametrize('is_settled', [True, False])
@pytest.mark.parametrize(
    'kind', [PreActivation, Shared, ReadTwice, Standardised, Scaled]
)
def test_what_does_not_fold_is_left_alone(kind, is_settled):
    """Nor while a fresh batch norm does nothing, so that nobody could tell."""
    network = kind().eval().requires_grad_(False)
    assert not find(settled(network) if is_settled else network).pairs


def test_its_neighbours_are_folded_all_the_same():
    network = settled(nn.Sequential(Shared(), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)))
    (pair,) = find(network).pairs
    assert (pair.conv, pair.norm) == (network[1], network[2])


def test_what_is_read_keeps_its_batch_norm():
    network = settled(
        nn.Sequential(
            nn.Sequential(nn.Conv2d(4, 4, 1)),
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 4, 1),
            nn.BatchNorm2d(4),
        )
    )

    def read() -> list[torch.Tensor]:
        inner = network[0](IMAGES)
        return [inner, network[1:](inner)]

    (pair,) = find_folding(network, read).pairs
    assert (pair.conv, pair.norm) == (network[2], network[3])


def test_hooks_see_what_they_always_saw():
    network = settled(nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)))
    seen = []
    network[1].register_forward_hook(lambda module, inputs, output: seen.append(output))
    folding = find(network)
    seen.clear()
    assert folding.run(lambda: network(IMAGES)) is seen[0]


class Turning(nn.Module):
    """Takes another way later."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.way = 'conv norm'

    def forward(self, x):
        for name in self.way.split():
            x = getattr(self, name)(x)
        return x


@pytest.mark.parametrize('way', ['conv', 'norm', 'conv conv norm', 'norm conv', ''])
def test_a_network_that_goes_another_way_is_right_all_the_same(way):
    network = settled(Turning())
    folding = find(network)
    assert len(folding.pairs) == 1
    network.way = way
    assert torch.equal(folding.run(lambda: network(IMAGES)), network(IMAGES))


def test_batch_norm_put_into_training_mode_is_not_folded():
    network = settled(nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)))
    folding = find(network)
    network[1].train()
    found = folding.run(lambda: network(IMAGES))
    torch.testing.assert_close(found.mean((0, 2, 3)), network[1].bias)
