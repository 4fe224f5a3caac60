"""What records a step on a GPU, and the state of a model that a recording holds for."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

# torch's words. The mode itself warns of what it may not notice, once a process.
_WAITS = 'called a synchronizing CUDA operation'


class Recorder:
    """What CUDA is asked for; a test has one of its own."""

    def aside(self, call: Callable[[], Any]) -> Any:
        """``call()`` on another stream, as is due before a recording."""
        stream, now = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(now)
        with torch.cuda.stream(stream):
            answer = call()
        now.wait_stream(stream)
        return answer

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Where the host waits for the device within, as a list that is filled."""
        places: list[str] = []
        mode = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            torch.cuda.set_sync_debug_mode('warn')
            try:
                yield places
            finally:
                torch.cuda.set_sync_debug_mode(mode)
        places += [
            f'{one.filename}:{one.lineno}'
            for one in caught
            if _WAITS in str(one.message)
        ]

    def record(self, call: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        """``call()``, recorded and not run: what runs it, and what it will fill."""
        graph = torch.cuda.CUDAGraph()
        # Loaders' threads may use CUDA meanwhile.
        with torch.cuda.graph(graph, capture_error_mode='thread_local'):
            answer = call()
        return graph.replay, answer


def state_of(model: nn.Module) -> list[tuple]:
    """What a recorded step takes for granted of a model: all but the values in tensors.

    Plain attributes by their values, others by what they are, tensors by their place.
    """
    found: list[tuple] = []
    for module in model.modules():
        for name, value in vars(module).items():
            if name in ('_parameters', '_buffers'):
                for key, tensor in value.items():
                    if tensor is not None:
                        place = tensor.data_ptr(), tensor.shape, tensor.requires_grad
                        found.append((module, key, place))
            elif isinstance(value, dict) and name.endswith('_hooks'):
                found.append((module, name, tuple(value)))
            else:
                found.append((module, name, value))
    return found


def same_state(one: list[tuple], other: list[tuple]) -> bool:
    """Whether two of :func:`state_of` are alike."""
    plain = (bool, int, float, str, tuple)
    return len(one) == len(other) and all(
        a[0] is b[0]
        and a[1] == b[1]
        and (
            a[2] is b[2]
            or (isinstance(a[2], plain) and type(a[2]) is type(b[2]) and a[2] == b[2])
        )
        for a, b in zip(one, other, strict=True)
    )
