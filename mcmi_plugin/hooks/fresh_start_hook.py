"""A run that starts anew is not mistaken for the one that was there before it."""

import os
import time
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mcmi_plugin.last_checkpoint import LAST_CHECKPOINT, saved_checkpoints
from mcmi_plugin.log import log_warning


@HOOKS.register_module()
class FreshStartHook(Hook):
    """Put an earlier run's ``last_checkpoint`` aside when another one starts.

    A run without ``--resume`` in the folder of an earlier one, killed before its
    first checkpoint, would otherwise be continued from the earlier one's last. Its
    checkpoints stay, until those of the same names take their places, as ever.
    """

    # Before an MCMI teacher is made, which takes long.
    priority = 'HIGHEST'

    def __init__(self) -> None:
        self._started = False

    def before_run(self, runner: Runner) -> None:
        again, self._started = self._started, True  # a test after the training
        record = Path(runner.work_dir, LAST_CHECKPOINT)
        if any(getattr(hook, 'in_place_of_student', '') for hook in runner.hooks):
            return  # no other run starts, see MCMITeacherHook
        if again or runner._resume or not is_main_process() or not record.is_file():
            return
        when = time.strftime('%Y%m%d_%H%M%S', time.localtime(record.stat().st_mtime))
        aside = record.with_name(f'{LAST_CHECKPOINT}.{when}')
        last = next(iter(saved_checkpoints(runner.work_dir)), '')
        os.replace(record, aside)
        log_warning(
            f'{runner.work_dir} holds an earlier run, and this one starts anew; to '
            f'continue the earlier one: --resume {last} (noted in {aside.name})'
        )
