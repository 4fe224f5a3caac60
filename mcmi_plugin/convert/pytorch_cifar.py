"""CIFAR networks of GitHub, whose checkpoints many people have.

akamaster/pytorch_resnet_cifar10, kuangliu/pytorch-cifar, chenyaofo's
pytorch-cifar-models and weiaicunzai/pytorch-cifar100 have the same ResNets under
names of their own. mdistiller's names are RepDistiller's.
"""

import re

from mmpretrain.models.backbones.resnet_cifar import ResNet_CIFAR
from torch import Tensor, nn

from mcmi_plugin.convert.naming import NO_LIBRARY, Naming, num_fitting
from mcmi_plugin.errors import UserError
from mcmi_plugin.models.resnet_cifar import CIFARResNet

# The classifier, and the parts of a key that have another name in mmpretrain.
_RESNETS: dict[str, tuple[str, dict[str, str]]] = {
    'akamaster, kuangliu': ('linear', {r'\.shortcut\.': '.downsample.'}),
    'chenyaofo': ('fc', {}),
    'weiaicunzai': (
        'fc',
        {
            r'^conv1\.0\.': 'conv1.',
            r'^conv1\.1\.': 'bn1.',
            **{rf'^conv{i + 1}_x\.': f'layer{i}.' for i in (1, 2, 3, 4)},
            # Convolution, batch norm, ReLU, and again.
            **{
                rf'\.residual_function\.{3 * i + j}\.': f'.{part}{i + 1}.'
                for i in range(3)
                for j, part in enumerate(('conv', 'bn'))
            },
            r'\.shortcut\.': '.downsample.',
        },
    ),
}


def is_for(state: dict[str, Tensor], model: nn.Module) -> bool:
    """Whether the model is one of these networks, and RepDistiller has none of it."""
    backbone = model.backbone
    if isinstance(backbone, CIFARResNet):
        # RepDistiller's have `fc`, but for the one of four stages, kuangliu's.
        return 'linear.weight' in state and backbone.num_stages == 3
    return isinstance(backbone, ResNet_CIFAR)


def naming(state: dict[str, Tensor], model: nn.Module, file_name: str) -> Naming:
    """Place the weights of one of these libraries in ``model``.

    Raises:
        UserError: the model is no such network, or one with other shortcuts.
    """
    if not isinstance(model.backbone, ResNet_CIFAR):
        raise UserError(
            f'model.backbone {type(model.backbone).__name__} is no CIFAR network of '
            'these libraries; name a config with ResNet_CIFAR or CIFARResNet'
        )
    _check_shortcuts(state, model)
    wanted = model.state_dict()
    candidates = [_renamed(state, *style) for style in _RESNETS.values()]
    names = max(candidates, key=lambda names: num_fitting(names, state, wanted))
    return Naming(names, without_network=NO_LIBRARY)


def _renamed(
    state: dict[str, Tensor], classifier: str, parts: dict[str, str]
) -> dict[str, str]:
    names = {}
    for key in state:
        if key.startswith(f'{classifier}.'):
            names[key] = 'head.fc' + key.removeprefix(classifier)
            continue
        place = key
        for pattern, replacement in parts.items():
            place = re.sub(pattern, replacement, place)
        names[key] = f'backbone.{place}'
    return names


def _check_shortcuts(state: dict[str, Tensor], model: nn.Module) -> None:
    """Networks with option A and B differ by nothing but the shortcuts' weights."""
    have = any('.shortcut.' in key or '.downsample.' in key for key in state)
    want = any('.downsample.' in key for key in model.state_dict())
    if have == want or not isinstance(model.backbone, CIFARResNet):
        return
    whose, letter = ('the file', 'B') if have else ('the model', 'A')
    raise UserError(
        f"only {whose} has weights in the shortcuts; set backbone.shortcut='{letter}'"
    )
