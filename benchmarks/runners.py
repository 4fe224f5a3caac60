"""A Runner whose epochs a suite runs one by one, and the loop it is compared with."""

import copy
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import Tensor, nn

import mcmi_plugin.fast  # noqa: F401  registers ResidentRunner

SGD: dict[str, Any] = dict(lr=0.05, momentum=0.9, weight_decay=5e-4)


def sgd_of(runner: Runner, network: nn.Module) -> torch.optim.SGD:
    """For a baseline: with the numbers of the runner's own, which a pair may set."""
    options = runner.cfg.optim_wrapper.optimizer.to_dict()
    options.pop('_scope_', None)
    assert options.pop('type') == 'SGD'
    return torch.optim.SGD(network.parameters(), **options)


@contextmanager
def ready_runner(config: dict):
    """The Runner of a config, about to train, silent and in a folder of its own.

    Its weights are the ones it was built with: it will not initialise them again.
    """
    with TemporaryDirectory() as work_dir:
        own = Config({**copy.deepcopy(config), 'work_dir': work_dir})
        own.log_level = 'ERROR'
        # Runners of one second would share their histories by a common name.
        own.experiment_name = Path(work_dir).name
        runner = RUNNERS.build(own) if 'runner_type' in own else Runner.from_cfg(own)
        runner.model._is_init = True
        yield runner


def first_epoch_batches(runner: Runner) -> list[tuple[Tensor, Tensor]]:
    """Inputs and labels that the Runner's first epoch will train on, in its order."""
    loader = runner.build_dataloader(runner._train_dataloader, seed=runner.seed)
    loader.sampler.set_epoch(0)
    return [
        (batch['inputs'], torch.cat([s.gt_label for s in batch['data_samples']]))
        for batch in loader
    ]


def epochs_of(runner: Runner) -> Callable[[], None]:
    """One more epoch of a Runner that has trained: the loop itself, with its hooks."""
    return runner.train_loop.run_epoch


def bare_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
) -> None:
    """The baseline of all Runners: nothing but the steps of a training loop."""
    network.train()
    for inputs, labels in batches:
        loss = F.cross_entropy(network(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def shuffled(inputs: Tensor, labels: Tensor, batch_size: int) -> Iterable[tuple]:
    """Batches of resident tensors in a new order."""
    for index in torch.randperm(len(inputs)).split(batch_size):
        yield inputs[index], labels[index]
