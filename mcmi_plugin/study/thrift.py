"""Many Runners in one process: what is the same for all of them is done once."""

import functools
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from mmengine.config import config
from mmengine.runner import runner


@contextmanager
def thrift() -> Iterator[None]:
    """Take the fixed cost of a Runner down, which exceeds the training of small cells.

    For every run mmengine formats the text of its config seven times, parses all 85
    model cards of mmpretrain to learn that a base config is not among them, asks
    compilers for their versions, and for every data set collects garbage among the
    objects of all libraries. Nothing that it computes or writes changes.
    """
    formatted: dict[str, tuple] = {}

    def format_once(text: str, *args, **kwargs):
        if text not in formatted:
            formatted.clear()  # of runs that are over
            formatted[text] = format_code(text, *args, **kwargs)
        return formatted[text]

    format_code = config.FormatCode
    find_once = functools.cache(config.Config._get_cfg_path)
    collect_once = functools.cache(runner.collect_env)
    gc.collect()
    gc.freeze()  # what is there now stays to the end
    try:
        with (
            patch.object(config, 'FormatCode', format_once),
            patch.object(config.Config, '_get_cfg_path', staticmethod(find_once)),
            patch.object(runner, 'collect_env', lambda: dict(collect_once())),
        ):
            yield
    finally:
        gc.unfreeze()
