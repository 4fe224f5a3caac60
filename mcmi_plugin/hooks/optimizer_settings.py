"""What a config says of optimizers and schedules, apart from the state of a run."""

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmengine.hooks import ParamSchedulerHook
from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler
from mmengine.runner import EpochBasedTrainLoop, Runner

# What schedulers write into a group, around the name of what they schedule.
_PREFIXES = ('', 'initial_', 'max_', 'min_')


@dataclass
class Settings:
    """One optimizer's: its groups without their parameters, and its schedulers."""

    groups: list[dict[str, Any]]
    schedulers: list[dict[str, Any]]

    def described(self) -> dict[str, list]:
        """The same in words, which a checkpoint can hold and compare."""
        return dict(
            groups=[{k: repr(v) for k, v in group.items()} for group in self.groups],
            schedulers=[
                {k: repr(v) for k, v in state.items()} for state in self.schedulers
            ],
            scheduled=[state['param_name'] for state in self.schedulers],
        )


def optimizers(runner: Runner) -> Iterator[tuple[str, OptimWrapper]]:
    """The optimizers of a training by name; a single one has the name ''."""
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapperDict):
        yield from wrapper.items()
    elif isinstance(wrapper, OptimWrapper):
        yield '', wrapper


def schedulers(runner: Runner, name: str) -> list[_ParamScheduler]:
    """Those of one optimizer, in the order in which they step."""
    built: Any = runner.param_schedulers or []
    return built[name] if isinstance(built, dict) else built


def settings_of(runner: Runner) -> dict[str, Settings]:
    """What the optimizers and schedulers are now, by the optimizer's name."""
    return {
        name: Settings(
            groups=[
                copy.deepcopy({k: v for k, v in group.items() if k != 'params'})
                for group in wrapper.param_groups
            ],
            schedulers=[
                dict(copy.deepcopy(without_functions(vars(s))), kind=type(s).__name__)
                for s in schedulers(runner, name)
            ],
        )
        for name, wrapper in optimizers(runner)
    }


def without_functions(state: dict[str, Any]) -> dict[str, Any]:
    """A scheduler's state without what the scheduler brings along by itself."""
    return {k: v for k, v in state.items() if k != 'optimizer' and not callable(v)}


def of_schedule(key: str, scheduled: set[str]) -> bool:
    """Whether schedulers of these parameters write that key of a group."""
    return any(key == prefix + name for prefix in _PREFIXES for name in scheduled)


def restart(runner: Runner, name: str, begun: Settings, scheduled: set[str]) -> None:
    """Put one optimizer's schedule back to its beginning, as the config has it."""
    wrapper = dict(optimizers(runner))[name]
    for scheduler, state in zip(
        schedulers(runner, name), begun.schedulers, strict=True
    ):
        for key in without_functions(vars(scheduler)):
            delattr(scheduler, key)
        vars(scheduler).update(copy.deepcopy(state))
        del scheduler.kind
    for group, fresh in zip(wrapper.param_groups, begun.groups, strict=True):
        for key in [key for key in group if of_schedule(key, scheduled)]:
            del group[key]
        group.update({k: fresh[k] for k in fresh if of_schedule(k, scheduled)})


def count_in_own_epochs(runner: Runner) -> None:
    """Count a resumed training's iterations by its own epochs, where those differ.

    A checkpoint of another number of processes, or of another batch, counts in
    epochs of another length. By that count, schedules in iterations would be ahead
    of the training or behind it until its end.

    To be called before the RuntimeInfoHook notes the lengths of this run over those
    of the checkpoint's.
    """
    loop = runner.train_loop
    if not isinstance(loop, EpochBasedTrainLoop):
        return
    noted = runner.message_hub.runtime_info
    iterations, epochs = noted.get('max_iters'), noted.get('max_epochs')
    length = len(loop.dataloader)
    if iterations and epochs and iterations != epochs * length:
        loop._iter = loop.epoch * length


def step_to_now(runner: Runner, names: list[str]) -> None:
    """Step schedules from their beginning to the iteration that the Runner is at.

    All of mmengine's are defined by their steps, one after another; those by
    iteration and those by epoch may act on the same rate and take turns as in a
    training.
    """
    if not any(isinstance(hook, ParamSchedulerHook) for hook in runner.hooks):
        return  # nothing would have stepped them
    these = [s for name in names for s in schedulers(runner, name)]
    by_iter = [s for s in these if not s.by_epoch]
    by_epoch = [s for s in these if s.by_epoch]
    # A training counted in iterations is one epoch, which has not ended.
    in_epochs = isinstance(runner.train_loop, EpochBasedTrainLoop)
    left, length = runner.epoch if in_epochs else 0, len(runner.train_dataloader)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # "step() before optimizer.step()"
        for done in range(1, runner.iter + 1 if by_iter else 0):
            for scheduler in by_iter:
                scheduler.step()
            if done % length == 0 and left:
                left -= 1
                for scheduler in by_epoch:
                    scheduler.step()
        for _ in range(left):
            for scheduler in by_epoch:
                scheduler.step()
