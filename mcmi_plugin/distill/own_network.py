"""What a pair and a method change in a network's config, wherever that has it."""

import inspect
from typing import Any

from ..errors import UserError
from ..faults.names import arguments_of, classes_named
from ..networks import classes_place, part_of

# What mmpretrain's heads and classifiers have where their config says nothing.
_LOSS = dict(type='CrossEntropyLoss', loss_weight=1.0)


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
    part_of(network, place[0])[place[1]] = num_classes
    for key in ('head', ''):  # some losses count them as well, as LabelSmoothLoss
        loss = part_of(network, key).get('loss')
        if isinstance(loss, dict) and 'num_classes' in loss:
            loss['num_classes'] = num_classes


def take_hard_labels(network: dict) -> None:
    """Let a teacher's own loss, which nobody reads, take a batch's hard labels.

    MMRazor computes it in every step; one of soft labels, or of one for each class,
    would end the first.
    """
    for key in ('head', ''):
        part = part_of(network, key)
        loss = part.get('loss')
        if isinstance(loss, dict) and (loss.get('use_soft') or loss.get('use_sigmoid')):
            part['loss'] = dict(type='CrossEntropyLoss')


def weigh(network: dict, weight: float, method: str) -> None:
    """Set the weight of a network's own loss.

    Raises:
        UserError: the network's config has no place for its loss.
    """
    for key in ('head', ''):
        part: dict[str, Any] = part_of(network, key)
        kinds = classes_named(part.get('type'))
        if part and ('loss' in part or any('loss' in arguments_of(k) for k in kinds)):
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
