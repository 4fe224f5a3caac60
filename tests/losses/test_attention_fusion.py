"""One fusion level of ReviewKD, by hand."""

import torch
from torch.nn.functional import conv2d

from mcmi_plugin.losses.attention_fusion import AttentionFusion


def level(deepest: bool) -> AttentionFusion:
    torch.manual_seed(0)
    return AttentionFusion(3, 4, 5, deepest=deepest).eval()  # batch norm: identity


def feature(channels: int, size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(channels)
    return torch.randn(2, channels, size, size, generator=generator)


def repeat(maps: torch.Tensor, factor: int) -> torch.Tensor:
    return maps.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def test_deepest_level_reduces_resizes_and_expands() -> None:
    fusion, maps = level(deepest=True), feature(3, 2)
    out, residual = fusion(maps, None, torch.Size((4, 4)))
    bn = (1 + fusion.reduce[1].eps) ** -0.5
    expected = repeat(bn * conv2d(maps, fusion.reduce[0].weight), 2)
    torch.testing.assert_close(residual, expected)
    expected = bn * conv2d(expected, fusion.expand[0].weight, padding=1)
    torch.testing.assert_close(out, expected)


def test_attention_weighs_the_stage_against_what_came_from_below() -> None:
    fusion, maps, below = level(deepest=False), feature(3, 4), feature(4, 2)
    # sigmoid(0) = 1/2 of the stage, sigmoid(log 3) = 3/4 of the residual.
    torch.nn.init.zeros_(fusion.attention.weight)
    fusion.attention.bias.data.copy_(torch.tensor([1.0, 3.0]).log())
    out, residual = fusion(maps, below, torch.Size((4, 4)))
    bn = (1 + fusion.reduce[1].eps) ** -0.5
    reduced = bn * conv2d(maps, fusion.reduce[0].weight)
    torch.testing.assert_close(residual, 0.5 * reduced + 0.75 * repeat(below, 2))
    assert out.shape == (2, 5, 4, 4)


def test_initial_weights_keep_the_variance() -> None:
    # Kaiming's uniform bound with a = 1: sqrt(3 / fan_in).
    torch.manual_seed(0)
    fusion = AttentionFusion(300, 100, 50, deepest=True)
    for conv, fan_in in ((fusion.reduce[0], 300), (fusion.expand[0], 900)):
        bound = (3 / fan_in) ** 0.5
        assert 0.98 * bound < conv.weight.abs().max() <= bound
