"""Every suite agrees with its baseline, and notices when one of the two is broken.

At tiny sizes, and never a time.
"""

import subprocess
from pathlib import Path
from unittest import mock

import pytest
import torch

from benchmarks import (
    centroids,
    crd,
    finetune,
    long_run,
    pipeline,
    reach,
    startup,
    step,
    stored,
    suites,
    tiny,
    validation,
)
from benchmarks.harness import Contest, Difference, Figure
from mcmi_plugin.compat.bounded_history import SAVED
from mcmi_plugin.errors import UserError


@pytest.fixture
def first():
    """The first contest of a suite, whose Runners live as long as the test."""
    opened = []

    def take(contests) -> Contest:
        opened.append(contests)
        return next(contests)

    yield take
    for contests in opened:
        contests.close()


@pytest.mark.slow  # a minute of ResNet-56, six times
def test_stored(first, monkeypatch):
    contests = stored.contests(('r56_r20',), iterations=1, rounds=1)
    contest = first(contests)
    contest.check()
    contest.ours(), contest.baseline()
    floor = next(contests)
    floor.check()
    floor.ours(), floor.baseline()
    right = stored.bare_distillation
    monkeypatch.setattr(
        stored,
        'bare_distillation',
        lambda student, teacher, *rest: right(student, student, *rest),
    )
    with pytest.raises(Difference):
        contest.check()
    monkeypatch.undo()
    told = stored.Told.forward
    monkeypatch.setattr(stored.Told, 'forward', lambda *args: told(*args).roll(1, 0))
    with pytest.raises(Difference):
        floor.check()


def test_what_a_first_student_is_spared():
    # By the law of the views: V (1 - (1 - 1/V)^E) of E are new.
    expected = 162 * (1 - (1 - 1 / 162) ** 40) / 40
    assert stored.first_student(40).value == pytest.approx(expected, abs=0.01)


def test_centroids(first, monkeypatch):
    contest = first(centroids.contests(600, 5))
    contest.check()
    contest.ours(), contest.baseline()
    right = centroids.centroid_pass
    monkeypatch.setattr(centroids, 'centroid_pass', lambda *args: right(*args).T)
    with pytest.raises(Difference, match='centroids'):
        contest.check()


def test_cmi_and_ll_are_checked_too(first, monkeypatch):
    contest = first(centroids.contests(600, 5))
    for method in ('cmi', 'log_likelihood'):
        with monkeypatch.context() as patch:
            value = getattr(centroids.ClassStatistics, method)
            patch.setattr(
                centroids.ClassStatistics, method, lambda self, v=value: v(self) + 1e-6
            )
            with pytest.raises(Difference, match='CMI|LL'):
                contest.check()


@pytest.mark.slow
@pytest.mark.skipif(not Path('/proc/self/status').exists(), reason='Linux only')
def test_streaming_keeps_no_predictions():
    """40,000 x 100 in float64 would be 32 MB."""
    _, memory = centroids.contests(600, 5, streamed=(40_000, 100))
    assert isinstance(memory, Figure)
    assert 0 <= memory.value < 16


def test_crd(monkeypatch):
    for contest in crd.contests(num_samples=500, num_negatives=80, batch_size=8):
        contest.check()
        contest.ours(), contest.baseline()


@pytest.mark.parametrize(
    ('broken', 'what'), [('momentum', 'bank'), ('temperature', 'loss')]
)
def test_crd_broken(first, monkeypatch, broken, what):
    class Broken(crd.CRDContrastLoss):
        def __init__(self, **kwargs):
            super().__init__(**kwargs, **{broken: 0.4})

    monkeypatch.setattr(crd, 'CRDContrastLoss', Broken)
    contest = first(crd.contests(num_samples=500, num_negatives=80, batch_size=8))
    with pytest.raises(Difference, match=what):
        contest.check()


def test_crd_gathers_where_imagenet_would(monkeypatch):
    _, contest = crd.contests(num_samples=500, num_negatives=80, batch_size=8)
    dense = mock.Mock()
    monkeypatch.setattr('mcmi_plugin.functional.contrastive.dense_similarity', dense)
    contest.ours()
    dense.assert_not_called()


def test_finetune(first, monkeypatch):
    contest = first(finetune.contests('resnet8', batch_size=8))
    contest.check()
    monkeypatch.setattr(finetune, '_cmi_loss', lambda lmda: _half(finetune_loss(lmda)))
    with pytest.raises(Difference, match='training'):
        contest.check()


finetune_loss = finetune._cmi_loss


def _half(loss):
    forward = loss.forward
    loss.forward = lambda *args, **kwargs: forward(*args, **kwargs) / 2
    return loss


def test_finetune_checks_the_formula():
    batch = finetune.whole_batch(*finetune.random_images(8))
    batch['inputs'] = batch['inputs'] / 255
    model = finetune.build(finetune.cifar_classifier('resnet8'))
    model.head.loss_module = finetune_loss(0.15)
    finetune.require_formula(model, batch)
    model.head.loss_module = _half(model.head.loss_module)
    with pytest.raises(Difference, match='loss'):
        finetune.require_formula(model, batch)


def test_tiny(first, monkeypatch):
    names = []
    for contest in tiny.contests(iterations=20):
        contest.check()
        contest.ours(), contest.baseline()
        names.append(contest.name)
    assert names == ['tiny', 'tiny (mmpretrain)']
    right = tiny.bare_epoch
    monkeypatch.setattr(
        tiny, 'bare_epoch', lambda net, sgd, batches: right(net, sgd, list(batches)[1:])
    )
    with pytest.raises(Difference, match='training'):
        first(tiny.contests(iterations=20)).check()


def test_long_run(first, monkeypatch):
    contests = long_run.contests(many=3_000, few=1_000, iterations=10)
    contest = first(contests)
    aged = []
    age = long_run.age
    monkeypatch.setattr(long_run, 'age', lambda r, n: (age(r, n), aged.append(r)))
    contest.check()
    old, young = (r.message_hub.get_scalar('train/loss') for r in aged)
    assert len(old.data[0]) - len(young.data[0]) == 2_000  # two, not one shared
    contest.ours(), contest.baseline()
    size = next(contests)
    assert SAVED < 1_000 and size.value < 1.01


def test_long_run_notices_another_run(first, monkeypatch):
    seeds = iter((0, 1))
    config = tiny.config
    monkeypatch.setattr(
        tiny, 'config', lambda n: {**config(n), 'randomness': dict(seed=next(seeds))}
    )
    with pytest.raises(Difference):
        first(long_run.contests(many=20, few=10, iterations=10)).check()


def test_pipeline(first, monkeypatch):
    contest = first(pipeline.contests(number=130))
    contest.check()
    contest.ours(), contest.baseline()
    monkeypatch.setattr(pipeline, 'STD', (0.3, 0.3, 0.3))
    with pytest.raises(Difference, match='crop'):
        contest.check()


def test_pipeline_looks_at_every_image():
    images, _ = pipeline.random_images(3)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (pipeline.MEAN, pipeline.STD))
    batch = (images.flip(3) / 255 - mean) / std
    pipeline.require_crops_and_flips(batch, images)
    batch[1] = batch[1].flip(1)  # upside down is no crop or flip of training
    with pytest.raises(Difference, match='1 of 3'):
        pipeline.require_crops_and_flips(batch, images)


def test_step(monkeypatch):
    step.check_bare(iterations=1)
    right = step.bare_distillation

    def other_labels(student, teacher, sgd, batches):
        right(student, teacher, sgd, [(x, 1 + y % 99) for x, y in batches])

    monkeypatch.setattr(step, 'bare_distillation', other_labels)
    with pytest.raises(Difference, match='training'):
        step.check_bare(iterations=1)


@pytest.mark.slow
def test_validation(first, monkeypatch):
    contest = first(validation.contests(number=32))
    contest.check()
    metric = {'val/accuracy/top1': 50.0, 'val/teacher.accuracy/top1': 25.0}
    answers = iter([metric, {**metric, 'val/teacher.accuracy/top1': 0.0}])
    monkeypatch.setattr(validation, '_metrics', lambda runner: next(answers))
    with pytest.raises(Difference, match='teacher.accuracy/top1'):
        contest.check()


def test_startup_wants_the_first_update():
    def done(stdout):
        return subprocess.CompletedProcess([], 0, stdout, 'error: no data')

    startup.require_first_update(done(f'log\n{startup.FIRST_UPDATE}\n'))
    with pytest.raises(Difference, match='error: no data'):
        startup.require_first_update(done('log\n'))


def test_unknown_suite_names_the_closest():
    suites.check_names(list(suites.SUITES))
    with pytest.raises(UserError, match="'long_run'; did you mean 'long-run'"):
        suites.check_names(['tiny', 'long_run'])


def test_every_line_to_reach_belongs_to_a_suite():
    for name in reach.REACH:
        assert name.split()[0] in suites.SUITES
