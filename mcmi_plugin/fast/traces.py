"""Runs of a network on trial: what they change is put back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def undone(network: nn.Module) -> Iterator[None]:
    """Runs of a network that leave no trace in its buffers or in random numbers.

    It is the network itself that runs, also where something answers in its place.
    """
    kept = [(buffer, buffer.clone()) for buffer in network.buffers()]
    in_its_place = network.__dict__.pop('forward', None)
    with torch.no_grad(), torch.random.fork_rng(_gpus(network)):
        try:
            yield
        finally:
            # Under autocast torch to 2.10 would take the casts of weights that were
            # made here, without a gradient, for those of the step that follows.
            torch.clear_autocast_cache()
            for buffer, value in kept:
                buffer.copy_(value)
            if in_its_place is not None:
                network.__dict__['forward'] = in_its_place


def leaves_traces(network: nn.Module, run: Callable[[], Any]) -> bool:
    """Whether ``run()`` changes a buffer of the network or draws random numbers."""
    with undone(network):
        before = _state(network)
        run()
        after = _state(network)
    return not all(map(torch.equal, before, after))


def _state(network: nn.Module) -> list[Tensor]:
    cuda = [torch.cuda.get_rng_state(gpu) for gpu in _gpus(network)]
    return [
        torch.get_rng_state(),
        *cuda,
        *(buffer.clone() for buffer in network.buffers()),
    ]


def _gpus(network: nn.Module) -> list[int]:
    indices = {p.device.index for p in network.parameters() if p.is_cuda}
    return sorted(indices)
