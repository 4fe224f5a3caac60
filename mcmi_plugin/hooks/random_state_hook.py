"""A resumed run draws the random numbers that the interrupted one would have."""

import functools
import random
from typing import Any, cast

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mcmi_plugin.isolation import random_state, set_random_state
from mcmi_plugin.log import log_warning

STATES = 'random_states'  # in the message hub, hence in the checkpoints


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Keep the random states in the checkpoints, and go on from them.

    Every training epoch begins with the states that the training epoch before it
    ended with, in an uninterrupted run and in a resumed one alike. What a
    validation, a hook or the making of a loader draws in between, which a resumed
    run may not repeat, therefore does not matter.

    Promised: with as many processes, each of which has states of its own, a run
    resumed on the CPU has the same weights, bit by bit, as one that was never
    interrupted, with random augmentation and dropout. Workers that load data are
    seeded in every epoch from the process's state; that needs
    ``persistent_workers=False``, which the commands set.

    Not promised: training counted in iterations, generators of one's own in a
    transform, and CUDA kernels that are not deterministic themselves.
    """

    def __init__(self) -> None:
        self._state: dict | None = None

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        loader.worker_init_fn = functools.partial(
            seed_worker, init=loader.worker_init_fn, rank=get_rank()
        )
        stored = runner.message_hub.runtime_info.get(STATES)  # if resumed
        if stored is None:
            return
        if len(stored) != get_world_size():
            log_warning(
                f'the checkpoint holds random states of {len(stored)} processes, not '
                f'{get_world_size()}; augmentation and dropout go on from others'
            )
            return
        self._state = stored[get_rank()]
        if self._state['sampler_seed'] is not None:
            # Without a seed in the config, mmengine has drawn another one.
            loader.sampler.seed = self._state['sampler_seed']

    def before_train_epoch(self, runner: Runner) -> None:
        if self._state is not None:
            set_random_state(self._state)

    # Before the CheckpointHook. The checkpoint is written on rank 0 alone, which
    # is too late to gather; and after a validation that found a best model it is
    # written again, with the states from here.
    def after_train_epoch(self, runner: Runner) -> None:
        sampler = runner.train_dataloader.sampler
        self._state = random_state()
        self._state['sampler_seed'] = getattr(sampler, 'seed', None)
        runner.message_hub.update_info(STATES, all_gather_object(self._state))


def seed_worker(worker_id: int, init, rank: int) -> None:
    """Seed a new worker from the seed that torch has drawn for this epoch.

    mmengine's ``init`` seeds the workers of every epoch alike, so that each one
    would augment as the first did.
    """
    workers = cast(Any, torch.utils.data.get_worker_info()).num_workers
    seed = torch.initial_seed() + rank * workers  # processes share their seed
    if init is not None:
        init(worker_id)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
