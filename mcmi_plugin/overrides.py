"""``--cfg-options``: dotted config keys and values as a person types them.

Whatever a study or a sweep says about a cell ends as words that a person could type,
so that each cell can be run again by hand.
"""

import argparse
from typing import Any

from mmengine.config import DictAction

from mcmi_plugin.errors import UserError

# Keys of files and folders, whose names may be of digits, or have commas.
PLACES = (
    'load_from',
    'mcmi.teacher_dir',
    'model.teacher_ckpt',
    'teacher_store.dir',
    'work_dir',
)


class Overrides(DictAction):
    """OpenMMLab's, where a path is as it was typed, and a text keeps its spaces.

    mmengine takes spaces out of every value, and makes lists of what has commas, so
    that ``mcmi.teacher_dir='my teachers'`` would be the folder ``myteachers``. What is
    no KEY=VALUE is an error in one line.
    """

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        options = dict(getattr(namespace, self.dest, None) or {})
        for word in values:
            key, equals, value = word.partition('=')
            if not equals:
                parser.error(f'{option_string} {word}: write KEY=VALUE')
            options[key] = _meant(key, value)
        setattr(namespace, self.dest, options)


def _meant(key: str, value: str) -> Any:
    text = value.strip('\'" ')
    if key in PLACES:
        return None if text == 'None' else text
    is_text = ' ' in text and not set(text) & set(',()[]')
    return text if is_text else DictAction._parse_iterable(value)


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
        UserError: a value that cannot be said there, for example a list of dicts, or a
            text with a comma.
    """
    words = []
    for key, value in options.items():
        said = _said(value)
        try:
            read = _meant(key, said)
        except AssertionError:  # unbalanced brackets
            read = None
        if '=' in key or repr(read) != repr(value):
            raise UserError(
                f'{where}: {key}={value!r} cannot be said by --cfg-options, so nobody '
                'could run the cell by hand; put it into a config that the study names'
            )
        words.append(f'{key}={said}')
    return words


def _said(value: Any) -> str:
    if isinstance(value, list):
        return '[' + ','.join(map(_said, value)) + ']'
    if isinstance(value, tuple):
        return '(' + ''.join(f'{_said(part)},' for part in value) + ')'
    return str(value)
