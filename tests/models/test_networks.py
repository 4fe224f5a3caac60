"""Sizes, registration, initial weights and a training step of every network."""

import json
import math
from pathlib import Path

import mmpretrain.registry
import pytest
import torch
from golden_runners_zoo import CONFIGS, build, build_hsakd
from mmengine.registry import MODELS, DefaultScope
from mmpretrain.structures import DataSample
from torch import nn

import mcmi_plugin.models
from mcmi_plugin.errors import UserError
from mcmi_plugin.models.taps import TAPS

FACTS = json.loads(
    (Path(CONFIGS).parents[3] / 'tests/zoo_facts/networks.json').read_text()
)
NETWORKS = FACTS['nets']


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def samples(labels: list[int]) -> list[DataSample]:
    return [DataSample().set_gt_label(label) for label in labels]


def test_every_network_has_config_and_taps() -> None:
    configs = {path.stem for path in CONFIGS.glob('*.py')}
    assert configs == set(TAPS) == set(NETWORKS)


@pytest.mark.parametrize('name', NETWORKS)
def test_sizes(name: str) -> None:
    model, facts = build(name), NETWORKS[name]
    assert count(model) == facts['params']
    assert len(model.state_dict()) == facts['state_dict_entries']
    assert count(build(name, num_classes=10)) == facts['params_num_classes_10']


@pytest.mark.parametrize('name', FACTS['hsakd_aux'])
def test_sizes_with_auxiliary_classifiers(name: str) -> None:
    model, facts = build_hsakd(name), FACTS['hsakd_aux'][name]
    assert count(model) == facts['params_total']
    assert count(model.backbone) + count(model.head) == facts['params_backbone']
    assert len(model.auxiliary) == facts['branches']
    with torch.no_grad():
        feats = model.eval().backbone(torch.randn(1, 3, 32, 32))
    sizes = [list(feat.shape[1:]) for feat in feats]
    assert sizes[: facts['branches']] == facts['backbone_feats']


@pytest.mark.parametrize('name', mcmi_plugin.models.__all__)
def test_names_resolve_everywhere_and_are_new(name: str) -> None:
    assert name in MODELS.module_dict
    assert name not in mmpretrain.registry.MODELS.module_dict
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        found = mmpretrain.registry.MODELS.get(name)
    assert found is getattr(mcmi_plugin.models, name)


@pytest.mark.parametrize('name', NETWORKS)
def test_training_step(name: str) -> None:
    torch.manual_seed(0)
    model = build(name).train()
    model.init_weights()
    loss = model(torch.randn(4, 3, 32, 32), samples([0, 1, 2, 3]), mode='loss')['loss']
    assert math.log(100) / 2 < loss.item() < math.log(100) * 2
    loss.backward()
    for key, value in model.named_parameters():
        assert value.grad is not None and value.grad.isfinite().all(), key
        # A batch norm takes any bias in front of it away again.
        if not (name.startswith('vgg') and key.endswith('bias')):
            assert value.grad.any(), key
    torch.optim.SGD(model.parameters(), lr=0.01).step()
    with torch.no_grad():
        assert model(torch.randn(4, 3, 32, 32)).isfinite().all()


@pytest.mark.parametrize('name', NETWORKS)
def test_initial_weights(name: str) -> None:
    model = build(name)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 3.0)
    torch.manual_seed(0)
    model.init_weights()
    for key, module in model.backbone.named_modules():
        if isinstance(module, nn.BatchNorm2d) and 'Shuffle' not in name:
            assert (module.weight == 1).all() and (module.bias == 0).all(), key
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            fan_out = module.out_channels * math.prod(module.kernel_size)
            fan_in = module.weight[0].numel()
            # The shuffle nets keep torch's default: uniform within 1/sqrt(fan_in).
            variance = 1 / (3 * fan_in) if 'Shuffle' in name else 2 / fan_out
            ratio = module.weight.std().item() / math.sqrt(variance)
            assert ratio == pytest.approx(1, abs=0.05), key
    weight = model.head.fc.weight
    if name.startswith(('vgg', 'MobileNet')):
        assert weight.std().item() == pytest.approx(0.01, rel=0.05)
    else:
        bound = 1 / math.sqrt(weight.shape[1])
        assert 0.99 * bound < weight.abs().max().item() <= bound


@pytest.mark.parametrize(
    'config',
    [
        dict(type='CIFARResNet', depth=18),
        dict(type='CIFARWideResNet', depth=27, widen_factor=10),
        dict(type='CIFARVGG', depth=16),
    ],
)
def test_unknown_depth(config: dict) -> None:
    with pytest.raises(UserError, match=f'backbone.depth={config["depth"]}: .* take'):
        MODELS.build(config)


@pytest.mark.parametrize('name', ['resnet8', 'wrn_16_1', 'vgg8', 'MobileNetV2'])
def test_all_stages_on_request(name: str) -> None:
    model = build(name)
    backbone = model.backbone
    images = torch.randn(2, 3, 32, 32)
    backbone.eval()
    (last,) = backbone(images)
    backbone.out_indices = (0, 1, backbone.out_indices[-1])
    first, second, again = backbone(images)
    assert again.equal(last)
    facts = NETWORKS[name]['feat_shapes']
    start = 0 if name.startswith('vgg') else 1  # a VGG's block 0 is the stem
    assert [list(x.shape[1:]) for x in (first, second)] == facts[start : start + 2]


def test_shortcuts_without_weights() -> None:
    """Option A: every second pixel, and zeros for the channels that are new."""
    torch.manual_seed(0)
    model = MODELS.build(dict(type='CIFARResNet', depth=8, shortcut='A'))
    model.eval()
    assert count(model) == count(build('resnet8').backbone) - 16 * 32 - 32 * 64 - 192
    first, x = model.layer2[0], torch.randn(2, 16, 32, 32)
    nn.init.zeros_(first.bn2.weight)  # the sum is the shortcut alone
    out = first(x)
    assert out.shape == (2, 32, 16, 16)
    assert out[:, 8:24].equal(x[:, :, ::2, ::2].relu())
    assert not out[:, :8].any() and not out[:, 24:].any()
    # HSAKD's auxiliary classifiers repeat the stages, shortcuts and all.
    extractor = model.make_extractor(0)
    assert 'Conv2d' not in str(extractor[0][0].downsample)
    with pytest.raises(UserError, match=r"backbone.shortcut='C': .* take"):
        MODELS.build(dict(type='CIFARResNet', depth=8, shortcut='C'))
