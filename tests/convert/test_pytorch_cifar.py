"""CIFAR networks of GitHub: every weight has its place, and the logits say so."""

import pytest
import torch
from github_networks import Network
from mmengine.config import Config
from mmengine.registry import MODELS
from torchvision_networks import randomised

from mcmi_plugin.convert.convert import convert
from mcmi_plugin.errors import UserError

OURS = 'configs/_base_/models'
THEIRS = 'mmpretrain::_base_/models'
# Library and its network -> the config of ours or of mmpretrain's.
NETWORKS = {
    'akamaster ResNet-20': ('akamaster', [3, 3, 3], 1, f'{OURS}/akamaster/resnet20.py'),
    'akamaster ResNet-56': ('akamaster', [9, 9, 9], 1, f'{OURS}/akamaster/resnet56.py'),
    'chenyaofo ResNet-20': ('chenyaofo', [3, 3, 3], 1, f'{OURS}/cifar/resnet20.py'),
    'kuangliu ResNet-18': ('kuangliu', [2, 2, 2, 2], 1, f'{THEIRS}/resnet18_cifar.py'),
    'kuangliu ResNet-50': ('kuangliu', [3, 4, 6, 3], 4, f'{THEIRS}/resnet50_cifar.py'),
    'kuangliu ResNet-50 in ours': (
        *('kuangliu', [3, 4, 6, 3], 4),
        f'{OURS}/cifar/ResNet50.py',
    ),
    'weiaicunzai ResNet-18': (
        *('weiaicunzai', [2, 2, 2, 2], 1),
        f'{THEIRS}/resnet18_cifar.py',
    ),
    'weiaicunzai ResNet-50': (
        *('weiaicunzai', [3, 4, 6, 3], 4),
        f'{THEIRS}/resnet50_cifar.py',
    ),
}


def network_of(library: str, num_blocks: list[int], expansion: int = 1) -> Network:
    torch.manual_seed(0)
    return randomised(Network(library, num_blocks, expansion))


def build(project, path: str, **backbone):
    if '::' in path:
        from mmengine.hub import get_config

        model = get_config(path).model
    else:
        model = Config.fromfile(project / path).model
    model.backbone.update(backbone)
    model.head.num_classes = 10
    model['_scope_'] = 'mmpretrain'
    return MODELS.build(model).eval()


def save(tmp_path, network: torch.nn.Module) -> str:
    # As kuangliu's and akamaster's programs write it.
    parallel = {f'module.{k}': v for k, v in network.state_dict().items()}
    torch.save(dict(net=parallel, acc=0.93, epoch=3), tmp_path / 'ckpt.pth')
    return str(tmp_path / 'ckpt.pth')


@pytest.mark.parametrize('name', NETWORKS)
def test_network(tmp_path, project, name):
    *kind, path = NETWORKS[name]
    network, model = network_of(*kind), build(project, path)
    conversion = convert(save(tmp_path, network), model)
    assert conversion.fault() is None
    assert conversion.placement.num_placed == len(network.state_dict())
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        torch.testing.assert_close(model(images), network(images))
    expected = 'repdistiller' if path.startswith(f'{OURS}/cifar/') else 'pytorch-cifar'
    assert conversion.meta['source']['naming'] == expected


@pytest.mark.parametrize(
    ('library', 'shortcut', 'words'),
    [
        ('akamaster', 'B', "only the model has weights .* set backbone.shortcut='A'"),
        ('kuangliu', 'A', "only the file has weights .* set backbone.shortcut='B'"),
    ],
)
def test_shortcuts_of_the_other_option(tmp_path, project, library, shortcut, words):
    path = save(tmp_path, network_of(library, [1, 1, 1]))
    model = build(project, f'{OURS}/cifar/resnet8.py', shortcut=shortcut)
    with pytest.raises(UserError, match=rf'ckpt\.pth: {words}'):
        convert(path, model)


def test_another_network(tmp_path, project):
    path = save(tmp_path, network_of('kuangliu', [2, 2, 2, 2]))
    model = build(project, f'{THEIRS}/resnet34_cifar.py')
    assert 'keys of the model without a value' in convert(path, model).fault()
    with pytest.raises(UserError, match=r'CIFARVGG is no CIFAR network of these'):
        convert(path, build(project, f'{OURS}/cifar/vgg8.py'), 'pytorch-cifar')
