"""A whole training step as one launch of the GPU.

A step of small networks is a thousand kernels of a few microseconds, which take longer
to launch than to run. A CUDA graph records them once, with every address and number
that they were launched with, and launches them all at once after that.
"""

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mcmi_plugin.errors import one_line
from mcmi_plugin.fast.lean_step import lean_step, losses_and_gradients, update

# Steps that are trained one by one first: they build what is built once.
WARM_UP = 3
# Optimizers whose step can be recorded, and what makes them take a rate in a tensor.
_RECORDED = {
    torch.optim.SGD: dict(fused=True, foreach=False),
    torch.optim.Adam: dict(capturable=True),
    torch.optim.AdamW: dict(capturable=True),
}


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
            if 'synchroniz' in str(one.message)
        ]

    def record(self, call: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        """``call()``, recorded and not run: what runs it, and what it will fill."""
        graph = torch.cuda.CUDAGraph()
        # Loaders' threads may use CUDA meanwhile.
        with torch.cuda.graph(graph, capture_error_mode='thread_local'):
            answer = call()
        return graph.replay, answer


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
        self.with_optimizer = _can_record(optim_wrapper)
        self._forget()

    def _forget(self) -> None:
        self.trained = 0  # steps, before it is recorded
        self._replay: Callable[[], None] | None = None

    def begin_epoch(self) -> None:
        """Record anew if hooks have changed what a recording takes for granted."""
        if self._replay is not None and not _same(state_of(self.model), self._state):
            self._forget()

    def __call__(self, batch: dict) -> dict[str, Tensor]:
        """A training step; the losses for the log, as of :func:`.lean_step`."""
        if self._replay is not None and self._settings != self._settings_now():
            self.with_optimizer = False
            _say(
                "the optimizer's step follows it: param_scheduler changes more than lr"
            )
            self._forget()
        if self.off or not _is_joined(batch):
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
        sample = DataSample().set_gt_label(self._kept['gt_label'])
        for key in self._kept.keys() - {'gt_label'}:
            sample.set_field(self._kept[key], key, field_type='metainfo')
        static = dict(inputs=self._inputs, data_samples=[sample])
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
            if self.with_optimizer:
                with _recordable(optimizer, self._rates):
                    self._replay, self._filled = self.recorder.record(step)
            else:
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


def _same(one: list[tuple], other: list[tuple]) -> bool:
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


def _can_record(optim_wrapper: OptimWrapper) -> bool:
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
def _recordable(
    optimizer: torch.optim.Optimizer, rates: list[Tensor]
) -> Iterator[None]:
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


def _is_joined(batch: dict) -> bool:
    samples: Any = batch.get('data_samples') or ()
    return (
        batch.keys() == {'inputs', 'data_samples'}
        and isinstance(batch['inputs'], Tensor)
        and len(samples) == 1
        and samples[0].keys() == ['gt_label']
    )


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
    print_log(f'fast.graph: {what}', logger='current')
