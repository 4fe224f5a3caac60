"""What an iteration leaves for the log, noted when the log shows it."""

import time

from mmengine.hooks import (
    EMAHook,
    Hook,
    IterTimerHook,
    LoggerHook,
    ParamSchedulerHook,
    RuntimeInfoHook,
)
from mmengine.runner import LogProcessor, Runner
from mmpretrain.engine import EMAHook as MMPretrainEMAHook

from mcmi_plugin.hooks import CMIMonitorHook, FiniteLossHook
from mcmi_plugin.runner.job_log import JobLogProcessor

# Hooks that read no loss and no time, or only when the log is due; one of a room above
# says `reads_no_log = True`.
_KNOWN = (
    ParamSchedulerHook,
    EMAHook,
    MMPretrainEMAHook,
    CMIMonitorHook,
    FiniteLossHook,
)


class PostponedLog:
    """Stands in for ``RuntimeInfoHook``, ``IterTimerHook`` and ``LoggerHook``.

    The first two put every loss, learning rate and duration into the message hub in
    every iteration, for which a GPU is waited for; the log shows them every
    ``interval`` iterations. Here all losses since the last log are put there just
    before the next, and learning rate and durations as often as the log looks
    back, ``window_size``. ``time`` and ``data_time`` are means of all iterations
    since the last log: single ones mean little where nothing waits for the GPU.

    Args:
        runner: in a training epoch; :meth:`fits` must hold.
        hooks: those with a method of their own for an iteration.
    """

    def __init__(self, runner: Runner, hooks: list[Hook]) -> None:
        self.runner = runner
        self.recorder, self.timer, self.logger = (
            next(hook for hook in hooks if type(hook) is kind)
            for kind in (RuntimeInfoHook, IterTimerHook, LoggerHook)
        )
        stand_in_for = (self.recorder, self.timer, self.logger)
        self.others = [hook for hook in hooks if hook not in stand_in_for]
        self.window = runner.log_processor.window_size
        self.last = len(runner.train_dataloader) - 1
        self._start()

    @staticmethod
    def fits(runner: Runner, hooks: list[Hook]) -> bool:
        """Whether nobody but mmengine's log reads what is noted here."""
        kinds = [
            type(hook)
            for hook in hooks
            if type(hook) not in _KNOWN and not getattr(hook, 'reads_no_log', False)
        ]
        stock = {RuntimeInfoHook, IterTimerHook, LoggerHook}
        # Statistics of the user's own may look back farther than the window.
        return (
            len(kinds) == 3
            and set(kinds) == stock
            and type(runner.log_processor) in (LogProcessor, JobLogProcessor)
            and not runner.log_processor.custom_cfg
        )

    def _start(self) -> None:
        self.outputs: list[dict] = []
        self.data_time = 0.0
        self.begin = self.end = time.time()

    def before_iteration(self, iteration: int) -> None:
        self.data_time += time.time() - self.end
        self.runner.message_hub.update_info('iter', iteration)  # models may read it

    def after_iteration(self, iteration: int, batch_idx: int, outputs: dict) -> None:
        """Keep the outputs; when the log is due, note them and let it be written."""
        self.outputs.append(outputs)
        self.end = time.time()
        logger = self.logger
        if (
            batch_idx == self.last
            or logger.every_n_inner_iters(batch_idx, logger.interval)
            or (iteration + 1) % logger.interval_exp_name == 0
        ):
            self._note(batch_idx)
            self._start()
            logger.after_train_iter(self.runner, batch_idx, None, outputs)

    def _note(self, batch_idx: int) -> None:
        runner, hub, number = self.runner, self.runner.message_hub, len(self.outputs)
        for outputs in self.outputs:
            self.recorder.after_train_iter(runner, batch_idx, None, outputs)
        # Not before the losses were read, which waits for the GPU.
        passed = time.time() - self.begin
        for _ in range(min(self.window, number)):
            self.recorder.before_train_iter(runner, batch_idx)
            hub.update_scalar('train/data_time', self.data_time / number)
            hub.update_scalar('train/time', passed / number)
        self.timer.time_sec_tot += passed
        done = runner.iter - self.timer.start_iter + 1
        left = runner.max_iters - runner.iter - 1
        hub.update_info('eta', self.timer.time_sec_tot / done * left)
