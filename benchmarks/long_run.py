"""An iteration after 200,000 others, against one after 1,000 others.

What grows in a Runner are the histories of its scalars. So both Runners get theirs
filled by the histories' own ``update``, once per scalar and iteration, and then train
on alike; the iterations that are timed are real. The checkpoint is looked at too.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from mmengine.runner import Runner

from benchmarks import tiny
from benchmarks.harness import (
    Contest,
    Figure,
    require_same_training,
    weights_of,
)
from benchmarks.runners import epochs_of, ready_runner


def contests(
    many: int = 200_000, few: int = 1_000, iterations: int = 1_000
) -> Iterator[Contest | Figure]:
    """Two equal Runners of the suite ``tiny``, ``many`` and ``few`` iterations old."""
    with ExitStack() as stack:
        old, young = (
            stack.enter_context(ready_runner(tiny.config(iterations))) for _ in range(2)
        )
        young.model.load_state_dict(old.model.state_dict())

        def check() -> None:
            start = weights_of(old.model)
            for runner, past in ((old, many), (young, few)):
                runner.train()  # makes the histories
                age(runner, past)
            require_same_training(old.model, young.model, start, 0)

        yield Contest(
            'long-run',
            lambda: epochs_of(old)(),
            lambda: epochs_of(young)(),
            check,
            ours_is=f'the Runner after {many} iterations',
            baseline_is=f'the same after {few}',
            rounds=15,
            units=iterations,
            unit='iteration',
        )
        sizes = [checkpoint_size(runner) for runner in (old, young)]
        yield Figure(
            'long-run checkpoint',
            sizes[0] / sizes[1],
            'x',
            f'{sizes[0]} bytes after {many} iterations, {sizes[1]} after {few}',
        )


def age(runner: Runner, iterations: int) -> None:
    """Fill every history of the Runner as so many iterations would have."""
    for history in runner.message_hub.log_scalars.values():
        update = history.update
        for _ in range(iterations):
            update(0.5, 1)


def checkpoint_size(runner: Runner) -> int:
    """Bytes of the checkpoint that the Runner saves now."""
    runner.save_checkpoint(runner.work_dir, 'size.pth')
    return os.path.getsize(Path(runner.work_dir, 'size.pth'))
