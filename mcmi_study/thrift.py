"""Many Runners in one process: what is the same for all of them is done once."""

import functools
import gc
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.runner import runner


@contextmanager
def thrift() -> Iterator[None]:
    """Take the fixed cost of a Runner down, which exceeds the training of small cells.

    For every run mmengine asks compilers for their versions, and for every data set
    it collects garbage among the objects of all libraries. Nothing that it computes
    or writes changes.
    """
    collect_env = runner.collect_env
    collect_once = functools.cache(collect_env)
    gc.collect()
    gc.freeze()  # what is there now stays to the end
    runner.collect_env = lambda: dict(collect_once())
    try:
        yield
    finally:
        runner.collect_env = collect_env
        gc.unfreeze()
