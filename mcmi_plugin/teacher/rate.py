"""The learning rate of a teacher stage, from the config that its teacher has."""

import inspect
from typing import Any

from mmengine.config import ConfigDict
from mmengine.registry import OPTIMIZERS

from mcmi_plugin.errors import UserError

_REMEDY = (
    'set mcmi.teacher_config to a config whose optim_wrapper has one optimizer with '
    'an lr'
)


def scale_rate(optim_wrapper: ConfigDict, factor: float, scope: str) -> None:
    """Multiply the rate by ``factor``, in place; without one, the optimizer's own.

    Args:
        factor: 1 leaves the rate as it is.
        scope: in which the optimizer's name is looked up.

    Raises:
        UserError: several optimizers, or one without a rate to multiply.
    """
    optimizer = optim_wrapper.get('optimizer')
    if not isinstance(optimizer, ConfigDict):
        raise UserError(
            'optim_wrapper: a teacher is trained by one optimizer, and the config has '
            f'several; {_REMEDY}'
        )
    if optimizer.get('lr') is not None:
        optimizer.lr *= factor
    elif factor != 1:
        default = _default_rate(optimizer.type, scope)
        if not isinstance(default, float):
            raise UserError(
                f'optim_wrapper.optimizer.lr: {optimizer.type} has none that '
                f'mcmi.lr_factor={factor:g} could be applied to; {_REMEDY}'
            )
        optimizer.lr = default * factor


def _default_rate(kind: Any, scope: str) -> Any:
    if isinstance(kind, str):
        with OPTIMIZERS.switch_scope_and_registry(scope) as registry:
            found = registry.get(kind)
        if found is None:
            raise KeyError(f'{kind} is not in the {scope}::{OPTIMIZERS.name} registry')
        kind = found
    rate = inspect.signature(kind).parameters.get('lr')
    return None if rate is None else rate.default
