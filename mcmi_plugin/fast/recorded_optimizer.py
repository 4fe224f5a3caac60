"""Which optimizers have a step that a CUDA graph can hold, and how."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import Tensor

# Optimizers whose step can be recorded, and what makes them take a rate in a tensor.
_RECORDED = {
    torch.optim.SGD: dict(fused=True, foreach=False),
    torch.optim.Adam: dict(capturable=True),
    torch.optim.AdamW: dict(capturable=True),
}


def can_record(optim_wrapper: OptimWrapper) -> bool:
    """SGD, Adam and AdamW with rates in floats, no loss scale, no step of its own."""
    scales = (
        isinstance(optim_wrapper, AmpOptimWrapper)
        and optim_wrapper.loss_scaler.is_enabled()
    )
    own = type(optim_wrapper).step not in (OptimWrapper.step, AmpOptimWrapper.step)
    optimizer = optim_wrapper.optimizer
    rates = [group['lr'] for group in optimizer.param_groups]
    in_tensors = any(isinstance(rate, Tensor) for rate in rates)
    return type(optimizer) in _RECORDED and not (scales or own or in_tensors)


@contextmanager
def recordable(optimizer: torch.optim.Optimizer, rates: list[Tensor]) -> Iterator[None]:
    """Let the optimizer read its rates from tensors; outside it is as it was."""
    for state in optimizer.state.values():
        if 'step' in state:  # Adam counts on the CPU otherwise
            state['step'] = state['step'].to(rates[0].device)
    groups = optimizer.param_groups
    before = [dict(group) for group in groups]
    for group, rate in zip(groups, rates, strict=True):
        group.update(_RECORDED[type(optimizer)], lr=rate)
    try:
        yield
    finally:
        for group, old in zip(groups, before, strict=True):
            group.clear()
            group.update(old)
