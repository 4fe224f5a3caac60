"""A whole training step as one launch of the GPU.

A step of small networks is a thousand kernels of a few microseconds, which take longer
to launch than to run. A CUDA graph records them once, with every address and number
that they were launched with, and launches them all at once after that.
"""

import random
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmpretrain.structures import DataSample
from torch import Tensor

from mcmi_plugin.datasets.sent import joined_sample
from mcmi_plugin.errors import one_line
from mcmi_plugin.fast.lean_step import (
    is_joined,
    lean_step,
    losses_and_gradients,
    update,
)
from mcmi_plugin.fast.recorded_optimizer import can_record, recordable
from mcmi_plugin.fast.recorder import Recorder, same_state, state_of
from mcmi_plugin.log import log_line

# Steps that are trained one by one first: they build what is built once.
WARM_UP = 3


class StepGraph:
    """``lean_step``, recorded after some steps and replayed from then on.

    A step is recorded for the batches of one shape; others, such as the last of an
    epoch, are trained one by one. It holds for one state of the model: ask
    :meth:`begin_epoch` whether that is still the one that was recorded. Rates are read
    from the optimizer before every step. The optimizer's step is part of it for SGD,
    Adam and AdamW, with clipping and autocast; any other, or one with a loss scale,
    follows it in the ordinary way.

    Args:
        model: one that takes a :func:`.lean_step`.
        optim_wrapper: its optimizer.
        recorder: what records.
    """

    def __init__(
        self,
        model: BaseModel,
        optim_wrapper: OptimWrapper,
        recorder: Recorder | None = None,
    ) -> None:
        self.model, self.optim_wrapper = model, optim_wrapper
        self.recorder = recorder or Recorder()
        self.off = False  # for good; the log says why
        self.with_optimizer = can_record(optim_wrapper)
        self._forget()

    def _forget(self) -> None:
        self.trained = 0  # steps, before it is recorded
        self._replay: Callable[[], None] | None = None

    def begin_epoch(self) -> None:
        """Record anew if hooks have changed what a recording takes for granted."""
        now = None if self._replay is None else state_of(self.model)
        if now is not None and not same_state(now, self._state):
            self._forget()

    def __call__(self, batch: dict) -> dict[str, Tensor]:
        """A training step; the losses for the log, as of :func:`.lean_step`."""
        if self._replay is not None and self._settings != self._settings_now():
            self.with_optimizer = False
            _say(
                "the optimizer's step follows it: param_scheduler changes more than lr"
            )
            self._forget()
        if self.off or not is_joined(batch):
            return lean_step(self.model, batch, self.optim_wrapper)
        if self._replay is None:
            if self.trained < WARM_UP:
                return self._warm_up(batch)
            self._record(batch)
        if self._replay is None or not self._take(batch):
            return lean_step(self.model, batch, self.optim_wrapper)
        return self._run()

    def _warm_up(self, batch: dict) -> dict[str, Tensor]:
        self.trained += 1
        if self.trained < WARM_UP:
            step = lambda: lean_step(self.model, batch, self.optim_wrapper)  # noqa: E731
            return self.recorder.aside(step)
        before = _host_numbers()
        with self.recorder.watching() as waits:
            losses = self.recorder.aside(
                lambda: losses_and_gradients(self.model, batch, self.optim_wrapper)
            )
        if waits:
            self._leave(f'it waits for the device at {waits[0]}')
        elif _host_numbers() != before:
            self._leave('it draws random numbers on the CPU')
        norm = self.recorder.aside(lambda: update(self.optim_wrapper))
        self.optim_wrapper.zero_grad()
        return norm | losses

    def _leave(self, why: str) -> None:
        self.off = True
        _say(f'steps run one by one: {why}')

    def _record(self, batch: dict) -> None:
        wrapper, optimizer = self.optim_wrapper, self.optim_wrapper.optimizer
        self._inputs = batch['inputs'].clone()
        given = _tensors_of(batch['data_samples'][0])
        self._kept = {k: v.to(self._inputs.device, copy=True) for k, v in given.items()}
        static = dict(inputs=self._inputs, data_samples=[joined_sample(**self._kept)])
        self._set = [float(group['lr']) for group in optimizer.param_groups]
        self._rates = [torch.tensor(r, device=self._inputs.device) for r in self._set]
        count = wrapper._inner_count

        def step() -> tuple[list[str], Tensor]:
            losses = losses_and_gradients(self.model, static, wrapper)
            norm = update(wrapper) if self.with_optimizer else {}
            found = norm | losses
            first = losses['loss']
            return list(found), torch.stack([v.to(first) for v in found.values()])

        try:
            ready = recordable(optimizer, self._rates)
            with ready if self.with_optimizer else nullcontext():
                self._replay, self._filled = self.recorder.record(step)
        except RuntimeError as error:
            self._leave(one_line(error, 200))
        gradients = [(p, p.grad) for p in self.model.parameters() if p.grad is not None]
        self._gradients = [] if self.with_optimizer else gradients
        wrapper.zero_grad()
        wrapper._inner_count = count
        self._state, self._settings = state_of(self.model), self._settings_now()
        if self._replay is not None:
            own = type(optimizer).__name__
            _say('a step is one launch' + f', then {own}' * (not self.with_optimizer))

    def _take(self, batch: dict) -> bool:
        """Put the batch where the recorded step reads it, if it fits there."""
        given = _tensors_of(batch['data_samples'][0])
        pairs = [(batch['inputs'], self._inputs)]
        if given.keys() != self._kept.keys():
            return False
        pairs += [(given[key], kept) for key, kept in self._kept.items()]
        if any(a.shape != b.shape or a.dtype != b.dtype for a, b in pairs):
            return False
        for new, kept in pairs:
            kept.copy_(new, non_blocking=True)
        return True

    def _run(self) -> dict[str, Tensor]:
        wrapper, replay = self.optim_wrapper, self._replay
        assert replay is not None
        for n, group in enumerate(wrapper.optimizer.param_groups):
            if group['lr'] != self._set[n]:
                self._set[n] = group['lr']
                self._rates[n].fill_(group['lr'])
        replay()
        wrapper._inner_count += 1
        names, values = self._filled
        losses = dict(zip(names, values.clone().unbind(), strict=True))
        if self.with_optimizer:
            return losses
        for parameter, gradient in self._gradients:
            parameter.grad = gradient
        norm = update(wrapper)
        wrapper.zero_grad()
        return norm | losses

    def _settings_now(self) -> list[dict]:
        if not self.with_optimizer:
            return []
        groups = self.optim_wrapper.optimizer.param_groups
        others = ('lr', 'params', 'initial_lr')
        return [{k: v for k, v in g.items() if k not in others} for g in groups]


def _tensors_of(sample: DataSample) -> dict[str, Tensor]:
    found: dict = {**dict(sample.metainfo_items()), 'gt_label': sample.gt_label}
    return {key: value for key, value in found.items() if isinstance(value, Tensor)}


def _host_numbers() -> tuple:
    numpy: Any = np.random.get_state(legacy=True)  # which its type leaves open
    return (
        torch.get_rng_state().numpy().tobytes(),
        random.getstate(),
        (numpy[1].tobytes(), *numpy[2:]),
    )


def _say(what: str) -> None:
    log_line(f'fast.graph: {what}')
