"""Options of a cell: dotted config keys and values, such as ``--cfg-options`` takes.

Whatever a study says about a cell ends as words that a person could type, so that
each cell can be run again by hand.
"""

from mmengine.config import DictAction

from mcmi_plugin.errors import UserError


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
