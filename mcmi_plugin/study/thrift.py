"""Many Runners in one process: what is the same for all of them is done once."""

import functools
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from mmengine.runner import runner


@contextmanager
def thrift() -> Iterator[None]:
    """Take the fixed cost of a Runner down, which exceeds the training of small cells.

    For every run mmengine asks compilers for their versions, and for every data set
    it collects garbage among the objects of all libraries. Nothing that it computes
    or writes changes.
    """
    collect_once = functools.cache(runner.collect_env)
    gc.collect()
    gc.freeze()  # what is there now stays to the end
    try:
        with patch.object(runner, 'collect_env', lambda: dict(collect_once())):
            yield
    finally:
        gc.unfreeze()
