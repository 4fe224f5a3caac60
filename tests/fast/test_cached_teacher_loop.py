"""CachedTeacherValLoop against MMRazor's loop, validation by validation."""

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from mcmi_plugin.commands import build_checked
from mcmi_plugin.job_config import job_config

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
        cfg: Config = job_config(str(path), options, str(tmp_path / 'run'))
        runner, watch = build_checked(cfg), Watch()
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

    # What was handed out is not what is remembered.
    metrics.clear()
    cached.val_loop.run()
    assert found.reported[-1] == expected.reported[-1]


def by_data(teacher) -> None:
    """As EMAHook writes, which no tensor's count of its changes sees."""
    teacher.head.fc.bias.data[3] += 1e4


def by_statistics(teacher) -> None:
    for module in teacher.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.data.normal_(generator=torch.Generator().manual_seed(1))


def by_a_buffer_out_of_the_state_dict(teacher) -> None:
    teacher.head.fc.extra.data[3] += 1e4


def add_extra(module, inputs, output):
    return output + module.extra


@pytest.mark.parametrize(
    'change', [by_data, by_statistics, by_a_buffer_out_of_the_state_dict]
)
def test_what_no_count_of_changes_sees(start, change):
    (stock, expected), (cached, found) = start(STOCK), start(CACHED)
    for runner in (stock, cached):
        teacher = runner.model.teacher
        teacher.head.fc.register_buffer('extra', torch.zeros(10), persistent=False)
        teacher.head.fc.register_forward_hook(add_extra)
        runner.val_loop.run()
        change(teacher)
        runner.val_loop.run()
    assert found.reported == expected.reported
    assert found.reported[0] != found.reported[1]


def test_it_leaves_as_many_random_numbers(start):
    left = []
    for loop in (STOCK, CACHED):
        runner, _ = start(loop)
        torch.manual_seed(0)
        for _ in range(2):
            runner.val_loop.run()
        left.append(torch.rand(1).item())
    assert left[0] == left[1]


def test_images_that_may_be_others_are_measured_every_time(start, monkeypatch):
    lines = []
    monkeypatch.setattr('mcmi_plugin.fast.cached_teacher_loop.log_line', lines.append)
    runner, watch = start(CACHED)
    dataset = runner.val_loop.dataloader.dataset
    for _ in range(2):
        runner.val_loop.run()
    assert watch.batches == 2 * 2 + 2 and not lines
    ordinary = dataset.prepare_data
    monkeypatch.setattr(dataset, 'prepare_data', lambda index: ordinary(index))
    for _ in range(2):
        runner.val_loop.run()
    assert watch.batches == 6 + 2 * 4
    assert len(lines) == 1 and 'Digits' in lines[0]


def test_a_trainable_teacher_is_measured_every_time(start):
    runner, watch = start(CACHED, trainable=True)
    runner.val_loop.run()
    runner.val_loop.run()
    assert watch.batches == 2 * 4
    assert watch.begun == len(watch.reported) == 2
