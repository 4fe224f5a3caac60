"""What a pair and a method change in a network's config, wherever that has it."""

import inspect
from typing import Any

from ..checks.names import classes_named, parameters
from ..errors import UserError

# What mmpretrain's heads and classifiers have where their config says nothing.
_LOSS = dict(type='CrossEntropyLoss', loss_weight=1.0)


def classes_place(network: dict) -> tuple[str, str] | None:
    """Where a classifier's config has its number of classes, or would have it.

    In its head, in itself (timm's), or in a backbone that has the last layer, as
    mmpretrain's VGG and AlexNet.

    Returns:
        Key of the part (``''``: the network itself) and key in it, or None.
    """
    parts = {key: _part(network, key) for key in ('head', '', 'backbone')}
    for key, part in parts.items():
        for name in ('num_classes', 'num_labels'):
            if name in part:
                return key, name
    for key, part in parts.items():
        kinds = classes_named(part.get('type'))
        if any('num_classes' in parameters(kind) for kind in kinds):
            return key, 'num_classes'
    if str(network.get('type')).rpartition('.')[2] == 'TimmClassifier':
        return '', 'num_classes'  # handed on to timm
    return None


def set_classes(network: dict, num_classes: int, where: str) -> None:
    """Set the number of classes in a network's config.

    Raises:
        UserError: no part of it takes one.
    """
    place = classes_place(network)
    if place is None:
        raise UserError(
            f'{where}: no part of this network takes num_classes; set its classes in '
            'that file, and leave pair.num_classes out'
        )
    _part(network, place[0])[place[1]] = num_classes


def weigh(network: dict, weight: float, method: str) -> None:
    """Set the weight of a network's own loss.

    Raises:
        UserError: the network's config has no place for its loss.
    """
    for key in ('head', ''):
        part: dict[str, Any] = _part(network, key)
        kinds = classes_named(part.get('type'))
        if part and ('loss' in part or any('loss' in parameters(k) for k in kinds)):
            part['loss'] = dict(part.get('loss') or _default(kinds))
            part['loss']['loss_weight'] = weight
            return
    raise UserError(
        f'{method}: ce_weight={weight} weighs head.loss of the student, and its head '
        'takes no loss; leave ce_weight out'
    )


def _default(kinds: list[type]) -> dict:
    for kind in kinds:
        for base in kind.__mro__:
            given = inspect.signature(
                vars(base).get('__init__', object)
            ).parameters.get('loss')
            if given is not None and isinstance(given.default, dict):
                return given.default
    return _LOSS


def _part(network: dict, key: str) -> dict:
    part = network.get(key) if key else network
    return part if isinstance(part, dict) else {}
