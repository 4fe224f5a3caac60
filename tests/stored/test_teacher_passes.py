"""How often a live teacher runs beside its store, counted."""

import pytest
import torch
from mmengine.runner import Runner
from small import assert_same, build, config, teacher_file, train

from mcmi_plugin.errors import UserError
from mcmi_plugin.isolation import isolated


@pytest.fixture
def passes(monkeypatch):
    """How many images each pass of a teacher had, in order."""
    seen = []
    build_model = Runner.build_model

    def watched(self, model):
        built = build_model(self, model)
        built.teacher.backbone.register_forward_hook(
            lambda module, inputs, output: seen.append(len(inputs[0]))
        )
        return built

    monkeypatch.setattr(Runner, 'build_model', watched)
    return seen


@pytest.mark.parametrize('fast', [False, True])
def test_a_second_student_asks_eight_images_and_no_more(tmp_path, passes, fast, capfd):
    teacher, store = teacher_file(tmp_path), dict(dtype='float32')
    first, filled = train(tmp_path / 'first', teacher, store, fast)
    # A look, what LeanDistill tries on its first batch, and batches with new views.
    new = [16] * 10 + [10] * 2
    assert passes[0] == 8 and len(passes) <= 1 + 3 * fast + len(new)
    assert sum(passes) >= filled.asked - filled.found
    passes.clear()
    second, read = train(tmp_path / 'second', teacher, store, fast, log_level='INFO')
    assert read.found == read.asked == 180
    assert passes == [8]
    assert_same(first, second)
    said = capfd.readouterr().out
    assert 'of 8 rows that were looked up are there' in said


def test_rows_that_are_not_the_teachers_are_found_out_before_a_step(tmp_path):
    teacher, store = teacher_file(tmp_path), dict(dtype='float32')
    _, answers = train(tmp_path / 'first', teacher, store)
    table = answers.table
    table.write(torch.tensor([3]), torch.tensor([3]), torch.ones(1, 16))
    with pytest.raises(UserError, match='is not of this teacher: a row differs by'):
        train(tmp_path / 'second', teacher, store)


def mixing(batch):
    """As CutMix in a loader does."""
    images = torch.stack([sample['inputs'] for sample in batch])
    return dict(
        inputs=(images + images.flip(0)) // 2,
        data_samples=[sample['data_samples'] for sample in batch],
    )


def test_batches_that_are_mixed_in_the_loader_keep_the_teacher(tmp_path, capfd):
    with isolated():
        cfg = config(tmp_path / 'one', teacher_file(tmp_path), {}, log_level='INFO')
        runner = build(cfg)
        runner.train_dataloader  # noqa: B018  builds its loop
        runner.train_dataloader.collate_fn = mixing
        runner.train()
    assert 'has batches of the collate_fn <function mixing' in capfd.readouterr().out


def test_a_stopped_distillation_asks_for_nothing(tmp_path, passes):
    hooks = [
        dict(type='TeacherStoreHook', dtype='float32'),
        dict(type='mmrazor.StopDistillHook', stop_epoch=1),
    ]
    folder, teacher = tmp_path / 'one', teacher_file(tmp_path)
    _, answers = train(folder, teacher, fast=True, custom_hooks=hooks)
    assert answers.asked == answers.table.count() + answers.found == 90
    # The look, what is tried, an epoch, and once whether it may rest.
    assert len(passes) <= 1 + 3 + 6 + 1
