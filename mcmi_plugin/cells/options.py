"""Options of a cell: dotted config keys and values, such as ``--cfg-options`` takes.

Whatever a study says about a cell ends as words that a person could type, so that
each cell can be run again by hand.
"""

from mmengine.config import DictAction

from mcmi_plugin.errors import UserError


def layered(*layers: dict) -> dict:
    """One dict of options from several; a later one wins over what it touches.

    A value that is a dict counts as options below its key. ``mcmi=None`` takes
    away an earlier ``mcmi.lmda``.
    """
    result: dict = {}
    for layer in layers:
        for key, value in _flat(layer).items():
            for old in list(result):
                if f'{old}.'.startswith(f'{key}.') or f'{key}.'.startswith(f'{old}.'):
                    del result[old]
            result[key] = value
    return result


def _flat(options: dict, prefix: str = '') -> dict:
    flat = {}
    for key, value in options.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f'{prefix}{key}.'))
        else:
            flat[prefix + key] = value
    return flat


def filled(options: dict, words: dict) -> dict:
    """Options with ``{word}`` in their strings filled in.

    A string that is a word alone takes what ``--cfg-options`` would read of it.
    """

    def fill(value):
        if isinstance(value, (list, tuple)):
            return type(value)(fill(part) for part in value)
        if not isinstance(value, str):
            return value
        for word, meant in words.items():
            if value == f'{{{word}}}':
                return DictAction._parse_int_float_bool(str(meant))
            value = value.replace(f'{{{word}}}', str(meant))
        return value

    return {key: fill(value) for key, value in options.items()}


def as_words(options: dict, where: str) -> list[str]:
    """``KEY=VALUE`` for each option, which ``--cfg-options`` reads back as it is.

    Raises:
        UserError: a value that cannot be said there, for example a list of dicts,
            or a string with a comma or a space.
    """
    words = []
    for key, value in options.items():
        said = _said(value)
        try:
            read = DictAction._parse_iterable(said)
        except AssertionError:  # unbalanced brackets
            read = None
        if '=' in key or repr(read) != repr(value):
            raise UserError(
                f'{where}: {key}={value!r} cannot be said by --cfg-options, so nobody '
                'could run the cell by hand; put it into a config that the study names'
            )
        words.append(f'{key}={said}')
    return words


def _said(value) -> str:
    if isinstance(value, list):
        return '[' + ','.join(map(_said, value)) + ']'
    if isinstance(value, tuple):
        return '(' + ''.join(f'{_said(part)},' for part in value) + ')'
    return str(value)
