"""Names of RepDistiller's and HSAKD's weights, in ours.

The layers agree one to one, so a checkpoint is converted by renaming its keys:
the network goes behind ``backbone.``, the classifier to ``head.fc.``.
"""

import re
from typing import cast

from ..errors import UserError

# Start of a network's name: (its linear classifier, renamed parts of a key).
# HSAKD spells some names and one classifier differently.
FAMILIES: dict[str, tuple[str, dict[str, str]]] = {
    'resnet': ('fc', {}),
    'wrn': (
        'fc',
        {r'^block': 'layer', r'\.layer\.': '.', r'\.convShortcut\.': '.shortcut.'},
    ),
    'vgg': ('classifier', {}),
    'MobileNetV2': ('classifier.0', {}),
    'mobilenetV2': ('classifier', {}),
    'ShuffleV1': ('linear', {}),
    'ShuffleV2': ('linear', {}),
    'ResNet50': ('linear', {r'\.shortcut\.': '.downsample.'}),
}

# HSAKD keeps what follows the stages of auxiliary branch i outside of their
# Sequential (``bn{i}``, ``conv2_{i}``); ours has it as the Sequential's next
# item, here for branch 1, 2, ...
TAIL_POSITIONS = {'wrn': (2, 1, 1), 'mobilenetV2': (5, 4, 2, 2)}


def _family(name: str) -> str:
    for family in FAMILIES:
        if name.startswith(family):
            return family
    raise UserError(
        f'network {name!r} is unknown; names start with one of {", ".join(FAMILIES)}'
    )


def _rename(family: str, key: str) -> str:
    for pattern, replacement in FAMILIES[family][1].items():
        key = re.sub(pattern, replacement, key)
    return key


def from_repdistiller(name: str, state_dict: dict) -> dict:
    """RepDistiller's weights of one network as an ImageClassifier's.

    Args:
        name: RepDistiller's name of the network, such as ``wrn_40_2``.
        state_dict: Its weights (the ``model`` entry of a checkpoint).

    Returns:
        The same tensors under mmpretrain's names. All keys are renamed; whether
        they fit a model is for ``load_state_dict(strict=True)`` to say.

    Raises:
        UserError: The name is unknown, or the weights have no such classifier.
    """
    family = _family(name)
    classifier = FAMILIES[family][0]
    if f'{classifier}.weight' not in state_dict:
        raise UserError(
            f'the weights are not those of {name}: there is no '
            f'{classifier}.weight; check the name of the network'
        )
    renamed = {}
    for key, value in state_dict.items():
        if key.startswith(f'{classifier}.'):
            renamed['head.fc' + key.removeprefix(classifier)] = value
        else:
            renamed['backbone.' + _rename(family, key)] = value
    return renamed


def from_hsakd(name: str, state_dict: dict) -> dict:
    """HSAKD's weights (``*_aux``) as an AuxiliaryImageClassifier's.

    Args:
        name: HSAKD's name of the network, such as ``wrn_40_2_aux``.
        state_dict: Its weights (the ``net`` entry of a checkpoint).

    Returns, raises: as ``from_repdistiller``.
    """
    family = _family(name)
    network = {
        key.removeprefix('backbone.'): value
        for key, value in state_dict.items()
        if key.startswith('backbone.')
    }
    renamed = from_repdistiller(name, network)
    for key, value in state_dict.items():
        if key.startswith('auxiliary_classifier.'):
            layer, rest = key.removeprefix('auxiliary_classifier.').split('.', 1)
            part, branch = cast(re.Match, re.fullmatch(r'(.+?)_?(\d)', layer)).groups()
            index = int(branch) - 1
            if part == 'fc':
                place = 'fc'
            elif part == 'block_extractor':
                place, rest = 'extractor', _rename(family, rest)
            else:
                place = f'extractor.{TAIL_POSITIONS[family][index]}'
            renamed[f'auxiliary.{index}.{place}.{rest}'] = value
    return renamed
