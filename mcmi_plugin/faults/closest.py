"""The name that was probably meant."""

import difflib
import os
import os.path as osp
import re
from collections.abc import Iterable


def did_you_mean(
    name: str, known: Iterable[str], prefix: str = '', least: float = 0.6
) -> str:
    """``did you mean NAME?``, or nothing where none is close.

    Args:
        least: how much it must be alike, by difflib's ratio; 0: the closest one.
    """
    close = difflib.get_close_matches(name, known, 1, least)
    return f'did you mean {prefix}{close[0]}?' if close else ''


def closest_file(text: str) -> str:
    """``; did you mean PATH?`` for the first ``.py`` path in a text, or nothing."""
    named = re.search(r'[^\s"\']+\.py\b', text)  # not /root/.pyenv
    if named is None or osp.isfile(named[0]):
        return ''
    folder, name = osp.split(named[0])
    there = os.listdir(folder or '.') if osp.isdir(folder or '.') else []
    meant = did_you_mean(name, there, osp.join(folder, ''))
    return f'; {meant}' * bool(meant)
