"""CachedTeacherValLoop against MMRazor's loop, validation by validation."""

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from mcmi_plugin.commands import build_runner, read_config

STOCK, CACHED = 'mmrazor.SingleTeacherDistillValLoop', 'CachedTeacherValLoop'
CONFIG = """
_base_ = '{configs}/mcmi/quickstart_digits.py'
mcmi = None
small = dict(
    backbone=dict(stem_channels=4, base_channels=4), head=dict(in_channels=32))
model = dict(architecture=small, teacher=small)
val_dataloader = dict(batch_size=32, dataset=dict(indices=64))
"""


class Watch(Hook):
    """What hooks are told."""

    def __init__(self):
        self.reported, self.batches, self.begun = [], 0, 0

    def before_val_epoch(self, runner):
        self.begun += 1

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.batches += 1

    def after_val_epoch(self, runner, metrics=None):
        self.reported.append(metrics)


@pytest.fixture
def start(project, tmp_path):
    """``start(type of the loop)``: a runner ready to validate, and its watch."""

    def build(loop: str, trainable: bool = False):
        path = tmp_path / 'small_digits.py'
        path.write_text(CONFIG.format(configs=project / 'configs'))
        options = {'val_cfg.type': loop, 'model.teacher_trainable': trainable}
        cfg: Config = read_config(str(path), options, str(tmp_path / 'run'))
        runner, watch = build_runner(cfg), Watch()
        runner.register_hook(watch)
        # The LoggerHook asks how far the training is.
        runner._train_loop = runner.build_train_loop(cfg.train_cfg)
        runner._val_loop = runner.build_val_loop(cfg.val_cfg)
        return runner, watch

    return build


def shake(classifier: torch.nn.Module, label: int) -> None:
    """Let it answer ``label`` to everything."""
    with torch.no_grad():
        classifier.head.fc.bias[label] += 1e4


def test_the_same_metrics_and_the_teacher_once(start):
    (stock, expected), (cached, found) = start(STOCK), start(CACHED)
    for label, change in enumerate((None, 'architecture', None, 'teacher', None)):
        for runner in (stock, cached):
            if change:
                shake(getattr(runner.model, change), label)
            metrics = runner.val_loop.run()
    assert found.reported == expected.reported
    names = ['accuracy/top1', 'teacher.accuracy/top1']
    assert list(found.reported[0]) == names
    # Two batches each: five times the student, and the teacher of two weights.
    assert (expected.batches, found.batches) == (5 * 4, 5 * 2 + 2 * 2)
    of_teacher = [metrics[names[1]] for metrics in expected.reported]
    assert of_teacher[0] != of_teacher[-1]  # or nothing was to be noticed

    # Loading counts as a change; what was handed out is not what is remembered.
    metrics.clear()
    teacher = cached.model.teacher
    teacher.load_state_dict({k: v.clone() for k, v in teacher.state_dict().items()})
    for batches in (2 * 2, 2):
        before = found.batches
        cached.val_loop.run()
        assert found.batches == before + batches
        assert found.reported[-1] == expected.reported[-1]


def test_a_trainable_teacher_is_measured_every_time(start):
    runner, watch = start(CACHED, trainable=True)
    runner.val_loop.run()
    runner.val_loop.run()
    assert watch.batches == 2 * 4
    assert watch.begun == len(watch.reported) == 2
