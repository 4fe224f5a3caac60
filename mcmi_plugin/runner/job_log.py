"""mmengine's lines of the log, with the time that the whole job will take."""

import re
from datetime import timedelta

from mmengine.registry import LOG_PROCESSORS
from mmengine.runner import LogProcessor, Runner

from mcmi_plugin.job import iterations_after


@LOG_PROCESSORS.register_module()
class JobLogProcessor(LogProcessor):
    """Say beside the ``eta`` of a stage when all that follow it will be done.

    ``eta: 0:00:58 (job 0:04:10)``. Their iterations are taken to be as long as this
    stage's, the student's as well: what that takes is not known before it trains.
    Arguments as of mmengine's.
    """

    def get_log_after_iter(
        self, runner: Runner, batch_idx: int, mode: str
    ) -> tuple[dict, str]:
        tag, text = super().get_log_after_iter(runner, batch_idx, mode)
        after = iterations_after(runner) if mode == 'train' else 0
        if after and 'time' in tag:
            eta = runner.message_hub.runtime_info.get('eta', 0)
            left = timedelta(seconds=int(eta + tag['time'] * after))
            text = re.sub(r'(?<=eta: ).*?(?=  )', rf'\g<0> (job {left})', text, count=1)
        return tag, text
