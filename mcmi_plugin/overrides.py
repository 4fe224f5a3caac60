"""``--cfg-options``: dotted config keys and values as a person types them.

Whatever a study or a sweep says about a cell ends as words that a person could type,
so that each cell can be run again by hand.
"""

import argparse
from typing import Any

from mmengine.config import DictAction

from mcmi_plugin.errors import UserError


class Overrides(DictAction):
    """OpenMMLab's, where a text may have spaces, and commas too when it is in quotes.

    mmengine takes spaces out of every value, so that ``mcmi.teacher_dir='my teachers'``
    would be the folder ``myteachers``. What is no KEY=VALUE is an error in one line.
    """

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        for value in values:
            if '=' not in value:
                parser.error(f'{option_string} {value}: write KEY=VALUE')
        super().__call__(parser, namespace, values, option_string)

    @staticmethod
    def _parse_iterable(val: str) -> Any:
        text = _quoted(val)
        if text is None and ' ' in val.strip() and not set(val) & set(',()[]'):
            text = val
        return DictAction._parse_iterable(val) if text is None else text


def _quoted(value: str) -> str | None:
    """What stands in quotes; None where nothing does, or a list of mmengine's."""
    inner = value[1:-1]
    if len(value) < 2 or value[0] not in '\'"' or value[-1] != value[0]:
        return None
    return None if value[0] in inner or inner[:1] in ('[', '(') else inner


def add_overrides(parse: argparse.ArgumentParser, words: str) -> None:
    """The flag ``--cfg-options``, with ``words`` as its help."""
    parse.add_argument(
        '--cfg-options',
        nargs='+',
        action=Overrides,
        default={},
        metavar='KEY=VALUE',
        help=words,
    )


def as_words(options: dict, where: str) -> list[str]:
    """``KEY=VALUE`` for each option, which ``--cfg-options`` reads back as it is.

    Raises:
        UserError: a value that cannot be said there, for example a list of dicts.
    """
    words = []
    for key, value in options.items():
        said = next((s for s in _ways_to_say(value) if _means(s, value)), None)
        if '=' in key or said is None:
            raise UserError(
                f'{where}: {key}={value!r} cannot be said by --cfg-options, so nobody '
                'could run the cell by hand; put it into a config that the study names'
            )
        words.append(f'{key}={said}')
    return words


def _ways_to_say(value: Any) -> list[str]:
    said = _said(value)
    return [said, f'"{said}"', f"'{said}'"] if isinstance(value, str) else [said]


def _means(said: str, value: Any) -> bool:
    try:
        return repr(Overrides._parse_iterable(said)) == repr(value)
    except AssertionError:  # unbalanced brackets
        return False


def _said(value: Any) -> str:
    if isinstance(value, list):
        return '[' + ','.join(map(_said, value)) + ']'
    if isinstance(value, tuple):
        return '(' + ''.join(f'{_said(part)},' for part in value) + ')'
    return str(value)
