"""mmengine's epoch loop without the work that nobody sees."""

from typing import Any

import torch
from mmengine.hooks import CheckpointHook, Hook, ParamSchedulerHook
from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor

from mcmi_plugin.datasets.sent import sent
from mcmi_plugin.fast.joined_labels import looks_at_samples
from mcmi_plugin.fast.lean_step import lean_step, takes_lean_step
from mcmi_plugin.fast.postponed_log import PostponedLog
from mcmi_plugin.fast.step_graph import StepGraph
from mcmi_plugin.log import log_line


@LOOPS.register_module()
class LeanEpochLoop(EpochBasedTrainLoop):
    """An ``EpochBasedTrainLoop`` with the same results and less beside the model.

    - Hooks without a method of their own for an iteration are not called in it,
      nor those that count epochs: the scheduler's and the checkpoint's, unless
      they are set to count iterations. Every other hook is.
    - What only the log reads is noted when the log is due (:class:`PostponedLog`),
      unless a hook that is not known might read it.
    - The step of a plain model is :func:`lean_step`.
    - With ``graph`` and a GPU it is one launch (:class:`StepGraph`); the log says if
      it is, or why not.

    ``train_cfg=dict(type='LeanEpochLoop', max_epochs=..., val_interval=...)``,
    arguments as for ``EpochBasedTrainLoop``.
    """

    def __init__(self, *args, graph: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._wants_graph = graph
        self._graph: StepGraph | None = None

    def run_epoch(self) -> None:
        runner = self.runner
        runner.call_hook('before_train_epoch')
        runner.model.train()
        step = self._choose_step()
        before = _at_work(runner, 'before_train_iter')
        after = _at_work(runner, 'after_train_iter')
        hooks = list(dict.fromkeys([*before, *after]))
        log = PostponedLog(runner, hooks) if PostponedLog.fits(runner, hooks) else None
        if log is not None:
            before = [hook for hook in before if hook in log.others]
            after = [hook for hook in after if hook in log.others]
        for batch_idx, data_batch in enumerate(self.dataloader):
            if log is not None:
                log.before_iteration(self._iter)
            for hook in before:  # by name, as mmengine calls them
                hook.before_train_iter(
                    runner, batch_idx=batch_idx, data_batch=data_batch
                )
            outputs = step(data_batch)
            if log is not None:
                log.after_iteration(self._iter, batch_idx, outputs)
            for hook in after:
                hook.after_train_iter(
                    runner, batch_idx=batch_idx, data_batch=data_batch, outputs=outputs
                )
            self._iter += 1
        runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _choose_step(self):
        model, optim_wrapper = self.runner.model, self.runner.optim_wrapper
        device = get_ori_model(model).data_preprocessor.device
        looks = looks_at_samples(self.runner)
        lean = takes_lean_step(model, optim_wrapper)
        if self._wants_graph:
            why = _why_no_graph(device, lean, looks)
            self._wants_graph = not why
            if why:
                log_line(f'fast.graph: steps run one by one: {why}')
            elif self._graph is None:
                self._graph = StepGraph(model, optim_wrapper)
        if self._graph is not None:
            self._graph.begin_epoch()

        def step(batch: dict) -> dict[str, Tensor]:
            batch = sent(batch, device, join=looks is None)
            if self._graph is not None:
                return self._graph(batch)
            if lean:
                return lean_step(model, batch, optim_wrapper)
            outputs = model.train_step(batch, optim_wrapper=optim_wrapper)
            # What is kept for the log must not keep the graph.
            return {name: value.detach() for name, value in outputs.items()}

        return step


def _why_no_graph(device: torch.device, lean: bool, looks: Any) -> str:
    if device.type != 'cuda':
        return 'there is no GPU'
    if not lean:
        return (
            'the model is compiled, spread over processes or trains in a way of its '
            'own, or gradients are accumulated'
        )
    if looks is not None:
        return f'{type(looks).__name__} may look at single data samples'
    return ''


def _at_work(runner: Runner, stage: str) -> list[Hook]:
    """The hooks that do something in that stage, in their order."""
    return [
        hook
        for hook in runner.hooks
        if stage in {*hook.get_triggered_stages(), *vars(hook)}
        and not _counts_epochs(hook, runner)
    ]


def _counts_epochs(hook: Hook, runner: Runner) -> bool:
    if type(hook) is CheckpointHook:
        return hook.by_epoch
    if type(hook) is ParamSchedulerHook:
        schedulers = runner.param_schedulers or []
        if isinstance(schedulers, dict):  # of several optimizers
            schedulers = [s for group in schedulers.values() for s in group]
        return all(scheduler.by_epoch for scheduler in schedulers)
    return False
