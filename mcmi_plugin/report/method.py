"""The method that a config distils by, in a few words."""

from typing import Any

from mmengine.config import Config

from mcmi_plugin.type_names import short_name

_LONGEST = 120  # characters of a cell


def method_of(config: Config) -> str:
    """``KD``: the name that the method's file gives it, else its losses' classes."""
    kinds = [short_name(loss.get('type')) for loss in _losses(config.model).values()]
    method = config.get('method') or {}
    told = method.get('losses') or (method.get('distiller') or {}).get('distill_losses')
    # The file may be inherited, and its losses replaced.
    named = {short_name(loss.get('type')) for loss in (told or {}).values()}
    if named == set(kinds) and method.get('name'):
        return method['name']
    return ' + '.join(dict.fromkeys(kinds)) or 'no distillation'


def losses_of(config: Config) -> str:
    """``3 x PooledATLoss(loss_weight=1000.0)``, and the student's own, if weighted."""
    words = [value_in_words(loss) for loss in _losses(config.model).values()]
    own = own_loss_of(config.model).get('loss_weight')
    if own is not None:
        words.append(f"{own} x the head's loss")
    return ' + '.join(
        f'{words.count(word)} x {word}' if words.count(word) > 1 else word
        for word in dict.fromkeys(words)
    )


def value_in_words(value: Any) -> str:
    """A value of a config as a line that is read: ``SGD(lr=0.05, momentum=0.9)``."""
    if isinstance(value, dict):
        inner = [f'{k}={value_in_words(v)}' for k, v in value.items() if k != 'type']
        words = ', '.join(inner)
        if 'type' in value:
            words = short_name(value['type']) + (f'({words})' if inner else '')
    elif isinstance(value, (list, tuple)):
        words = ', '.join(map(value_in_words, value)) or 'none'
    else:
        words = str(value)
    return words if len(words) <= _LONGEST else f'{words[: _LONGEST - 1]}\u2026'


def own_loss_of(model: dict) -> dict:
    """The config of the student's own loss, in its head; {} where it has none."""
    student = model.get('architecture') or {}
    return (student.get('head') or {}).get('loss') or {}


def _losses(model: dict) -> dict[str, dict]:
    return (model.get('distiller') or {}).get('distill_losses') or {}
