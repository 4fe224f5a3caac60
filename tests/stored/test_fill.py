"""A store that is filled ahead of time, and what its rows tell."""

import io
import json

import pytest
import torch
from rich.console import Console
from small import PKT, assert_same, build, config, teacher_file, train

from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.isolation import isolated
from mcmi_plugin.stored import fill as filling
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.fill import Filled, FillHook
from mcmi_plugin.stored.images import ViewsOfImages

RESIZED = [
    dict(type='RandomResizedCrop', scale=8),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]


@pytest.fixture
def teacher(tmp_path):
    return teacher_file(tmp_path)


def fill(*args, lines=None, **kwargs):
    written = io.StringIO()
    with isolated():
        runner = build(config(*args, **kwargs))
        runner.register_hook(FillHook(Console(file=written, width=1000)))
        with pytest.raises(Filled):
            runner.train()
    if lines is not None:
        lines += written.getvalue().splitlines()
    (hook,) = (h for h in runner.hooks if type(h).__name__ == 'TeacherStoreHook')
    return hook.answers, runner


@pytest.mark.parametrize('fast', [False, True])
def test_all_is_there_afterwards_and_right(tmp_path, teacher, fast):
    lines = []
    store = dict(dtype='float32')
    live, _ = train(tmp_path / 'live', teacher, fast=fast)
    answers, runner = fill(tmp_path / 'fill', teacher, store, fast, lines=lines)
    total = 90 * 18
    assert answers.table.count() == total
    assert 'features of 90 images x 18 views, 117 kB when all' in lines[0]
    assert lines[1] == f'0 of {total} rows are there'
    assert lines[2] == f'stored: {total} of {total} rows, about 0:00:00 left'
    assert lines[3].startswith('256 rows were compared with the teacher')
    student, read = train(tmp_path / 'student', teacher, store, fast)
    assert read.found == read.asked == 180
    assert_same(student, live)
    # Once more: there is nothing to do.
    fill(tmp_path / 'again', teacher, store, fast, lines=(again := []))
    assert again[1] == f'{total} of {total} rows are there'
    assert again[2].startswith('256 rows were compared with the teacher')
    summary = json.loads((answers.table.path.parent / filling.SUMMARY).read_text())
    statistics = ClassStatistics(10)
    model = runner.model.eval() or runner.model
    images = runner.train_dataloader.dataset
    for image in range(90):
        views = torch.arange(18)
        rows, _ = answers.table.rows(torch.full((18,), image), views)
        label = images.get_data_info(image)['gt_label']
        statistics.update(model.teacher.head.fc(rows), torch.full((18,), label))
    one = next(point for point in summary['curve'] if point['temperature'] == 1)
    assert summary['rows'] == total
    assert one['cmi'] == pytest.approx(statistics.cmi(), rel=1e-5)
    assert one['ll'] == pytest.approx(statistics.log_likelihood(), rel=1e-5)


def test_it_goes_on_where_it_was_stopped(tmp_path, teacher, monkeypatch):
    asked = Answers.rows
    monkeypatch.setattr('mcmi_plugin.stored.images._BATCH', 100)

    def until(self, *args, left=[3]):  # noqa: B006
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return asked(self, *args)

    monkeypatch.setattr(Answers, 'rows', until)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / 'one', teacher, {})
    monkeypatch.setattr(Answers, 'rows', asked)
    lines = []
    answers, _ = fill(tmp_path / 'two', teacher, {}, lines=lines)
    assert lines[1].startswith('300 of 1620 rows')
    assert answers.table.count() == 1620


def test_rows_of_another_teacher_are_found_out(tmp_path, teacher):
    answers, runner = fill(tmp_path / 'one', teacher, {})
    runner.model.teacher.backbone.conv1.weight.data.mul_(1.3)
    with pytest.raises(UserError, match='is not of this teacher: a row differs by'):
        filling.check_sample(answers, runner.train_dataloader.dataset)


def test_a_full_disk_is_one_line(tmp_path, teacher, monkeypatch):
    monkeypatch.setattr('os.pwrite', lambda *args: 0)
    with isolated():
        runner = build(config(tmp_path, teacher, {}))
        runner.register_hook(FillHook())
        with pytest.raises(UserError, match='takes no more rows; make room'):
            runner.train()


def test_what_cannot_be_kept_is_an_error_here(tmp_path, teacher):
    with isolated():
        runner = build(config(tmp_path, teacher, {}, pipeline=RESIZED))
        runner.register_hook(FillHook())
        with pytest.raises(UserError, match='random resized crops, which are new'):
            runner.train()


def test_resized_crops_of_a_chosen_number(tmp_path, teacher):
    store = dict(dtype='float32', views=3)
    first, one = train(tmp_path / 'one', teacher, store, pipeline=RESIZED)
    assert one.table.num_views == 3 and 0 < one.found < 90
    # The views do not depend on whether they were there, nor on workers and order.
    answers, runner = fill(tmp_path / 'fill', teacher, store, pipeline=RESIZED)
    assert answers.table.path == one.table.path and answers.table.count() == 270
    second, two = train(tmp_path / 'two', teacher, store, pipeline=RESIZED)
    assert two.found == 180
    assert_same(first, second)
    assert 'compared' in filling.check_sample(answers, runner.train_dataloader.dataset)
    # They are views, not one.
    every = ViewsOfImages(runner.train_dataloader.dataset, 3)
    images = [every[number]['inputs'] for number in range(30)]
    assert len({image.numpy().tobytes() for image in images}) > 25
    assert torch.equal(every[4]['inputs'], images[4])
    # Another seed is another store.
    _, other = train(tmp_path / 'other', teacher, dict(store, seed=1), pipeline=RESIZED)
    assert other.table.path != one.table.path


def test_the_mean_of_several_teachers(tmp_path, teacher):
    second = teacher_file(tmp_path, 1)
    answers, _ = fill(tmp_path / 'fill', second, {})
    folder = str(answers.table.path.parent)
    _, mean = train(tmp_path / 'mean', teacher, dict(dtype='float32', mean=folder))
    runner = build(config(tmp_path / 'look', teacher))
    for image, view in ((0, 0), (17, 5)):
        where = torch.tensor([image]), torch.tensor([view])
        theirs = mean.others[0](*where)
        kept, _ = answers.table.rows(*where)
        assert torch.equal(theirs, kept)
    # What a step is given is the mean of both.
    images, views = torch.arange(16), torch.zeros(16, dtype=torch.int64)
    fill(tmp_path / 'own', teacher, dict(dtype='float32'))
    rows, there = mean.table.rows(images, views)
    assert there.all()
    own = runner.model.teacher.head.fc(rows)
    theirs = mean.others[0](images, views)
    both = mean.both(torch.cat([rows, theirs], 1))['logits']
    assert torch.allclose(both, (own + theirs) / 2, atol=1e-4)
    with pytest.raises(UserError, match='mean of several teachers is one of logits'):
        train(tmp_path / 'pkt', teacher, dict(mean=folder), distiller=PKT)
    with pytest.raises(UserError, match=r'is of other images \(data, num_images\)'):
        train(tmp_path / 'images', teacher, dict(mean=folder), images=80)
    _, partly = train(tmp_path / 'partly', second, dict(dtype='int8'))
    with pytest.raises(UserError, match='rows; fill it first: tools/store_teacher.py'):
        folder = str(partly.table.path.parent)
        train(tmp_path / 'lacks', teacher, dict(mean=folder))


def test_a_store_that_is_not_there_is_one_line(tmp_path, teacher):
    with pytest.raises(UserError, match='teacher_store: there is no store in nowhere'):
        train(tmp_path / 'one', teacher, dict(mean=['nowhere']))
