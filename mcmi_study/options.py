"""Options of a study's cells: one layer over another, and the words in them."""

from mmengine.config import DictAction


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
