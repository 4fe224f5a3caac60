"""Devices without values: what waits for one fails on it.

``cuda`` is torch's FakeTensorMode, whose tensors say that they are on a GPU; ``meta``
is torch's device of that name. Both know shapes and devices of tensors and nothing
else, so ``.item()``, ``.tolist()``, a boolean index or a copy to the CPU is an error,
as is an operation on tensors of two devices. Backward runs on ``meta`` only, where
there is no GPU: autograd asks the driver for a stream.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

DEVICES = ('cuda', 'meta')


class Waited(AssertionError):
    """A copy between host and device that the host waits for."""


class NoWaiting(TorchDispatchMode):
    """Refuses copies between host and device that are not ``non_blocking``."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func.overloadpacket.__name__
        if name in ('_to_copy', 'copy_'):
            source = args[1] if name == 'copy_' else args[0]
            apart = source.device.type != result.device.type
            # A number is an argument of a kernel, and no copy.
            is_number = source.ndim == 0 and source.device.type == 'cpu'
            free = kwargs.get('non_blocking') or (
                name == 'copy_' and args[2:] == (True,)
            )
            if apart and not free and not is_number:
                raise Waited(f'{name} from {source.device} to {result.device}')
        if name in ('index', 'index_put_', 'index_put'):
            for index in tree_leaves(args[1]):
                if (
                    isinstance(index, Tensor)
                    and index.device.type != args[0].device.type
                ):
                    raise Waited(f'{name} by an index of {index.device}')
        return result


@contextmanager
def on(device: str) -> Iterator['Place']:
    """Everything within runs on a device without values."""
    if device == 'meta':
        with NoWaiting(), mock.patch.object(torch, 'autocast', _autocast):
            yield Place('meta', None)
        return
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with fake, NoWaiting(), mock.patch.object(Tensor, 'backward', _no_backward):
        yield Place('cuda', fake)


AUTOCAST = torch.autocast


def _autocast(device_type: str, *args, **kwargs):
    """``meta`` has none."""
    return (
        nullcontext()
        if device_type == 'meta'
        else AUTOCAST(device_type, *args, **kwargs)
    )


def _no_backward(loss: Tensor, *args, **kwargs) -> None:
    """As far as an optimizer can tell."""
    seen, nodes = set(), [loss.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, 'variable'):
            node.variable.grad = torch.zeros_like(node.variable)
        nodes += [parent for parent, _ in node.next_functions]


class Place:
    """Where a module and tensors go."""

    def __init__(self, name: str, fake: FakeTensorMode | None) -> None:
        self.device = torch.device(name)
        self.fake = fake

    def tensor(self, value: Tensor) -> Tensor:
        if self.fake is None:
            return torch.empty_like(value, device='meta')
        return torch.empty(value.shape, dtype=value.dtype, device='cuda')

    def move(self, module: nn.Module) -> nn.Module:
        """The module itself, its parameters and buffers in the device's place."""
        for part in module.modules():
            for name, value in part._parameters.items():
                if value is not None:
                    new = nn.Parameter(self.tensor(value), value.requires_grad)
                    part._parameters[name] = new
            for name, value in part._buffers.items():
                if value is not None:
                    part._buffers[name] = self.tensor(value)
            if hasattr(part, '_device'):  # of mmengine's preprocessors
                part._device = self.device
        return module
