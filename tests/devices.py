"""Devices without values: what waits for one fails on it.

``cuda`` is torch's FakeTensorMode, whose tensors say that they are on a GPU; ``meta``
is torch's device of that name. Both know shapes and devices of tensors and nothing
else, so ``.item()``, ``.tolist()``, a boolean index or a copy to the CPU is an error,
as is an operation on tensors of two devices. Backward is walked node by node on
``cuda``: torch's own engine asks the driver for a stream, and there is none.
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
    with fake, NoWaiting(), mock.patch.object(Tensor, 'backward', _backward):
        yield Place('cuda', fake)


AUTOCAST = torch.autocast


def _autocast(device_type: str, *args, **kwargs):
    """``meta`` has none."""
    return (
        nullcontext()
        if device_type == 'meta'
        else AUTOCAST(device_type, *args, **kwargs)
    )


@torch.no_grad()
def _backward(loss: Tensor) -> None:
    """What ``loss.backward()`` computes, without torch's engine."""
    given = {loss.grad_fn: {0: torch.ones_like(loss)}}
    for node in _in_order(loss.grad_fn):
        gradients = [given[node].get(n) for n in range(len(node._input_metadata))]
        if hasattr(node, 'variable'):
            before, (new,) = node.variable.grad, gradients
            node.variable.grad = new if before is None else before + new
            continue
        # One of Python is no function, and is not told of what has no gradient.
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            filled = [
                torch.zeros(meta.shape, dtype=meta.dtype, device=meta.device)
                if gradient is None
                else gradient
                for gradient, meta in zip(gradients, node._input_metadata, strict=True)
            ]
            found = node.apply(*filled)
        else:
            found = node(*gradients)
        found = found if isinstance(found, tuple) else (found,)
        for (parent, n), gradient in zip(node.next_functions, found, strict=True):
            if parent is not None and gradient is not None:
                meta, sums = parent._input_metadata[n], given.setdefault(parent, {})
                gradient = gradient.sum_to_size(meta.shape).to(meta.dtype)
                sums[n] = gradient if n not in sums else sums[n] + gradient


def _in_order(last) -> list:
    """A graph's nodes, each after all that it gets gradients from."""
    order, seen, todo = [], set(), [(last, False)]
    while todo:
        node, is_done = todo.pop()
        if is_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            todo.append((node, True))
            todo += [(n, False) for n, _ in node.next_functions if n is not None]
    return order[::-1]


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
