"""What must not change what comes after it: random states and mmengine's instances."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from torch import Tensor
from torch.utils._pytree import tree_leaves


def random_state() -> dict:
    """This process's states, of tensors and numbers for ``weights_only=True``."""
    version, words, gauss = random.getstate()
    legacy: Any = np.random.get_state()  # a tuple, which its type leaves open
    name, keys, position, has_gauss, cached = legacy
    state = dict(
        python=[version, list(words), gauss],
        numpy=[name, torch.from_numpy(keys.astype(np.int64)), position],
        numpy_gauss=[has_gauss, cached],
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()  # of this process's device
    return state


def set_random_state(state: dict) -> None:
    """Go on from what :func:`random_state` returned."""
    version, words, gauss = state['python']
    random.setstate((version, tuple(words), gauss))
    name, keys, position = state['numpy']
    keys = keys.cpu().numpy().astype(np.uint32)
    np.random.set_state((name, keys, position, *state['numpy_gauss']))
    # A checkpoint may have been read onto a GPU; generators want CPU tensors.
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


def same_numbers(state: dict, other: dict) -> bool:
    """Whether the same numbers would be drawn from two of :func:`random_state`."""
    return all(
        torch.equal(one, two) if isinstance(one, Tensor) else one == two
        for one, two in zip(tree_leaves(state), tree_leaves(other), strict=True)
    )


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """What is drawn within leaves the numbers that are drawn after it as they were."""
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)


@contextmanager
def isolated() -> Iterator[None]:
    """Put back what an inner Runner changes for the one around it.

    The random state, so that a student is the same whether its teacher was made
    now or found ready; and mmengine's current logger, message hub, visualizer
    and scope, which would stay the inner Runner's.
    """
    managers = [MMLogger, MessageHub, DefaultScope, Visualizer]
    managers += Visualizer.__subclasses__()
    kept = [(manager, dict(manager._instance_dict)) for manager in managers]
    with random_numbers_kept():
        try:
            yield
        finally:
            for manager, instances in kept:
                for name in [n for n in manager._instance_dict if n not in instances]:
                    inner = manager._instance_dict.pop(name)
                    for handler in getattr(inner, 'handlers', []):
                        handler.close()
                    if isinstance(inner, Visualizer):
                        inner.close()
