"""Lines of the log of whichever Runner is at work, in its file and on the terminal."""

import logging


def log_line(words: str) -> None:
    """What has been done, or is about to be."""
    _say(words, logging.INFO)


def log_warning(words: str) -> None:
    """What the user may want to put right, and what stops nothing."""
    _say(words, logging.WARNING)


def _say(words: str, level: int) -> None:
    from mmengine.logging import print_log  # loaded when there is something to say

    print_log(words, logger='current', level=level)
