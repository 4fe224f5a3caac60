"""Torchvision's networks: every weight has its place, and the logits say so."""

import pytest
import torch
from mmengine.hub import get_config
from mmengine.registry import MODELS, DefaultScope
from torchvision_networks import CONFIGS, random_network

from mcmi_plugin.convert.convert import convert
from mcmi_plugin.convert.torchvision import find_network


def build(name: str, num_classes: int = 10, **backbone):
    model = get_config(CONFIGS[name]).model
    model.pop('train_cfg', None)
    model.backbone.update(backbone)
    part = model.backbone if name.startswith('vgg') else model.head
    part.num_classes = num_classes
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(model).eval()


def save(state, path):
    torch.save(state, path)
    return str(path)


LARGE = ('vgg11_bn', 'wide_resnet50_2')
NETWORKS = [
    pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE))
    for name in CONFIGS
    if name != 'efficientnet_b0'
]


@pytest.mark.parametrize('name', NETWORKS)
def test_network(tmp_path, name):
    network, model = random_network(name), build(name)
    state = network.state_dict()
    conversion = convert(save(state, tmp_path / f'{name}-0123abcd.pth'), model)
    assert conversion.fault() is None
    assert conversion.placement.num_placed == len(state)
    assert conversion.compared_with.endswith(f' {name}')
    # Not the images of the check itself.
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        torch.testing.assert_close(model(images), network(images))
    counters = [v for k, v in model.state_dict().items() if k.endswith('_tracked')]
    assert all(counter == 7 for counter in counters)


def test_file_may_have_any_name_and_lack_the_counters(tmp_path):
    network, model = random_network('resnet18'), build('resnet18')
    state = network.state_dict()
    old = {k: v for k, v in state.items() if 'num_batches_tracked' not in k}
    conversion = convert(save(old, tmp_path / 'my_teacher.pth'), model)
    assert conversion.fault() is None
    assert conversion.placement.num_placed == len(old) == 102
    assert conversion.compared_with.endswith(' resnet18')
    model.load_state_dict(conversion.placement.state, strict=True)


def test_a_network_of_ones_own_is_placed_but_not_compared(tmp_path):
    model = build('resnet18', base_channels=32)
    state = {
        key.removeprefix('backbone.').removeprefix('head.'): value
        for key, value in build('resnet18', base_channels=32).state_dict().items()
    }
    model.head.fc = torch.nn.Linear(512, 10)
    state['fc.weight'] = torch.rand(10, 512)
    conversion = convert(save(state, tmp_path / 'narrow.pth'), model)
    assert conversion.fault() is None
    assert conversion.difference is None
    assert conversion.not_compared == 'no network of torchvision has its shapes'


@pytest.mark.parametrize(
    ('name', 'difference'),
    [
        # All weights have a place and a shape; the stride is in another layer.
        (('resnet50', dict(style='caffe')), 0.01),
        # mmpretrain's batch norm has an epsilon of 1e-3, torchvision's of 1e-5.
        (('efficientnet_b0', {}), 1e-4),
    ],
)
def test_other_logits_are_refused(tmp_path, name, difference):
    name, backbone = name
    state = random_network(name).state_dict()
    model = build(name, **backbone)
    conversion = convert(save(state, tmp_path / f'{name}.pth'), model)
    assert conversion.placement.fault() is None
    assert conversion.difference > difference
    assert f'the logits differ from those of {conversion.compared_with}' in (
        conversion.fault()
    )


def test_nan_is_refused(tmp_path):
    state = random_network('resnet18').state_dict()
    state['fc.bias'].fill_(torch.nan)
    conversion = convert(save(state, tmp_path / 'resnet18.pth'), build('resnet18'))
    assert 'the logits differ' in conversion.fault()


def test_other_number_of_classes(tmp_path):
    for name in ('resnet18', 'mobilenet_v2'):
        state = random_network(name, num_classes=7).state_dict()
        conversion = convert(save(state, tmp_path / f'{name}.pth'), build(name))
        assert conversion.fault().startswith('7 classes in the file, 10 in the model')
        assert len(conversion.placement.unplaced) == 2


def test_another_network(tmp_path):
    state = random_network('resnet50').state_dict()
    path = save(state, tmp_path / 'resnet50.pth')
    conversion = convert(path, build('mobilenet_v2'))
    assert len(conversion.placement.unplaced) > 100
    assert conversion.fault().endswith(' resnet50')  # says what it is


def test_weights_that_end_in_no_classifier():
    assert find_network({'a.counter': torch.tensor(0)}, 'a.pth') == (None, None)
