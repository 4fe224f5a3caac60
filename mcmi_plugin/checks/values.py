"""Numbers in a config that cannot be meant; upstream lets them through or crashes."""

import fnmatch
from collections.abc import Callable, Iterator
from functools import partial
from os import PathLike

from mmengine.config import Config
from mmengine.device import get_device

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.values import (
    is_whole_number,
    require_number,
    require_one_of,
    require_whole,
)
from mcmi_plugin.optim_wrappers import wrappers_in
from mcmi_plugin.overrides import PLACES
from mcmi_plugin.type_names import short_name


def _whole(least: int) -> Callable:
    return partial(require_whole, least=least)


def _number(accept: Callable, words: str) -> Callable:
    return partial(require_number, accept=accept, valid=words)


def _sometimes(key: str, value: object) -> None:
    if value != -1 and not is_whole_number(value, 1):
        raise UserError(
            f'{key}={value!r}: must be a whole number from 1 on, or -1 for never'
        )


_POSITIVE = _number(lambda v: v > 0, 'above 0')
_NOT_NEGATIVE = _number(lambda v: v >= 0, 'from 0 on')

# Dotted keys, * for any part -> what sees to it that the value is as it must be. The
# first that fits counts.
RULES: dict[str, Callable] = {
    'train_cfg.max_epochs': _whole(1),
    'train_cfg.max_iters': _whole(1),
    'train_cfg.val_interval': _whole(1),
    '*_dataloader.batch_size': _whole(1),
    '*_dataloader.num_workers': _whole(0),
    # Of one optimizer, or of several by name.
    'optim_wrapper.*accumulative_counts': _whole(1),
    'optim_wrapper.*optimizer.lr': _POSITIVE,
    'optim_wrapper.*optimizer.weight_decay': _NOT_NEGATIVE,
    'optim_wrapper.*optimizer.momentum': _number(lambda v: 0 <= v < 1, 'in [0, 1)'),
    'data_fraction': _number(lambda v: 0 < v <= 1, 'above 0 and at most 1'),
    'fast.graph': partial(require_one_of, valid=(True, False)),
    'default_hooks.logger.interval': _whole(1),
    'default_hooks.checkpoint.interval': _sometimes,
    'auto_scale_lr.base_batch_size': _whole(1),
    'randomness.seed': _whole(0),
    'model.*.head.num_classes': _whole(1),
    'model.distiller.distill_losses.*.tau': _POSITIVE,
    'model.distiller.distill_losses.*.loss_weight': _NOT_NEGATIVE,
}


def check_values(cfg: Config) -> None:
    """Every number that a rule speaks of is as the rule says, and a path is a text.

    Raises:
        UserError: it names the key, its value and what it must be.
    """
    for key, value in _numbers(cfg):
        rule = next((RULES[r] for r in RULES if fnmatch.fnmatchcase(key, r)), None)
        if rule is not None and value is not None:
            rule(key, value)
    for key in PLACES:
        owner, _, name = key.rpartition('.')
        part = cfg.get(owner) if owner else cfg
        place = part.get(name) if isinstance(part, dict | Config) else None
        if place is not None and not isinstance(place, str | PathLike):
            raise UserError(f'{key}={place!r}: must be a path, as a text in quotes')


def _numbers(part, path: tuple = ()) -> Iterator[tuple[str, object]]:
    """Dotted keys and values of all that is neither a dictionary nor a list."""
    if isinstance(part, (dict, Config)):
        for key, value in part.items():
            yield from _numbers(value, (*path, str(key)))
    elif not isinstance(part, (list, tuple)):
        yield '.'.join(path), part


def check_mixed_precision(cfg: Config) -> None:
    """Mixed precision has the device that it is for.

    Raises:
        UserError: there is none.
    """
    for name, wrapper in wrappers_in(cfg.optim_wrapper).items():
        key = '.'.join(['optim_wrapper', *[name] * bool(name), 'type'])
        amp = short_name(wrapper.get('type')) == 'AmpOptimWrapper'
        if amp and get_device() == 'cpu':
            raise UserError(
                f'{key}=AmpOptimWrapper: mixed precision needs a GPU; take OptimWrapper'
            )
