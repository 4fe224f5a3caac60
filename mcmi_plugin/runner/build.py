"""Build a Runner; what mmengine says in every stage goes to its log file alone."""

import logging
from functools import cache
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import MMLogger, print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import RUNNERS
from mmengine.runner import EpochBasedTrainLoop, Runner

from mcmi_plugin.errors import UserError
from mcmi_plugin.log import log_line, log_warning
from mcmi_plugin.trainings import note_begin

# How mmengine's lines begin that say the same in every stage or epoch, or that ask
# nothing of anyone.
OF_THE_FILE = (
    '\n' + '-' * 60 + '\nSystem environment:',
    'Config:\n',
    'Distributed training is not used, all SyncBatchNorm',
    'Hooks will be executed in the following order:',
    'Exp name: ',
    'Saving checkpoint at ',
    'init_weights of ',  # has been called more than once: given weights came first
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)


def build_runner(cfg: Config) -> Runner:
    """The Runner of a config, of the ``runner_type`` that it says.

    What mmengine prints whenever a Runner is built (environment, config, hooks: 400
    lines) goes to the log file, of which one line tells. ``log_level='DEBUG'`` has all
    of it on the terminal too.
    """
    kind = cfg.get('runner_type', Runner)
    if isinstance(kind, str):
        kind = RUNNERS.get(kind)
    if kind is None:
        return RUNNERS.build(cfg)  # which says what is wrong with the name
    runner = _brief(kind).from_cfg(cfg)
    print_log(
        f'environment, config and hooks: {runner.logger.log_file}',
        logger=runner.logger,
    )
    return runner


@cache
def _brief(kind: type[Runner]) -> type[Runner]:
    """The same Runner with a brief terminal."""
    return type(kind.__name__, (_BriefTerminal, kind), {'__module__': kind.__module__})


class _BriefTerminal:
    """What is said otherwise than by mmengine's Runner; its steps are the same."""

    def build_logger(self, *args, **kwargs) -> MMLogger:
        logger = super().build_logger(*args, **kwargs)  # type: ignore[misc]
        for handler in logger.handlers:
            for_file = isinstance(handler, logging.FileHandler)
            if not for_file and handler.level > logging.DEBUG:
                handler.addFilter(is_news)
        return logger

    def call_hook(self, fn_name: str, **kwargs) -> None:
        if fn_name == 'before_train':  # and before its teacher is made
            check_epoch(self)
            if is_main_process():
                note_begin(self)
        super().call_hook(fn_name, **kwargs)  # type: ignore[misc]
        # A teacher made before the first step has told of its own.
        if fn_name == 'before_train' and torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        if fn_name == 'after_train' and torch.cuda.is_available():
            log_line(
                f'peak memory of {self.experiment_name} on '  # type: ignore[attr-defined]
                f'{torch.cuda.get_device_name()}: '
                f'{torch.cuda.max_memory_allocated() / 2**20:.0f} MiB allocated, '
                f'{torch.cuda.max_memory_reserved() / 2**20:.0f} MiB reserved'
            )

    def scale_lr(
        self, optim_wrapper: OptimWrapper, auto_scale_lr: dict | None = None
    ) -> None:
        super().scale_lr(optim_wrapper, auto_scale_lr)  # type: ignore[misc]
        if auto_scale_lr and auto_scale_lr.get('enable'):
            tell_of_accumulation(self, optim_wrapper)


def check_epoch(runner: Any) -> None:
    """An epoch has a batch; a network that takes no step would pass for a trained one.

    Raises:
        UserError: it has none.
    """
    loop = runner.train_loop
    if isinstance(loop, EpochBasedTrainLoop) and not len(loop.dataloader):
        raise UserError(
            'train_dataloader: an epoch has no batch, as drop_last=True and batch_size '
            'is more than the samples that a process has; lower batch_size, or take '
            'drop_last out'
        )


def is_news(record: logging.LogRecord) -> bool:
    """Whether a line of the log is for the terminal too."""
    return record.levelno > logging.WARNING or not record.getMessage().startswith(
        OF_THE_FILE
    )


def tell_of_accumulation(runner: Any, optim_wrapper: OptimWrapper) -> None:
    """mmengine scales the rate by the batch, however many make a step; say so."""
    wrapper = optim_wrapper
    if isinstance(wrapper, OptimWrapperDict):
        wrapper = next(iter(wrapper.values()))
    steps = getattr(wrapper, '_accumulative_counts', 1)
    if steps > 1:
        log_warning(
            f'auto_scale_lr: the {steps} batches of optim_wrapper.accumulative_counts '
            'are not counted in the batch size that the rate is scaled by, as in '
            'mmengine; if the rate is meant for a whole step, divide '
            f'auto_scale_lr.base_batch_size by {steps}, or multiply mcmi.lr_factor by '
            f'{steps} for a fine-tune'
        )
