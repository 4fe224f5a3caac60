"""The fine-tune watched live: what is logged, and the edge of the cliff."""

import json

import pytest
import torch
from conftest import QUICKSTART
from mmengine.config import Config

from mcmi_plugin.errors import UserError
from mcmi_plugin.hooks.cmi_monitor_hook import cliff
from mcmi_plugin.teacher.make import Job, provide_teacher
from mcmi_plugin.teacher.options import TeacherOptions


def epoch(surrogate=0.12, cmi=0.1, accuracy=99.0):
    return dict(surrogate=surrogate, cmi=cmi, accuracy=accuracy)


@pytest.mark.parametrize(
    'history, fallen',
    [
        ([epoch()], False),
        # Figures of the digits at lambda 0.25, 0.30 and 0.35 of the experiments.
        ([epoch(0.012, 0.010, 100)], False),
        ([epoch(0.78, 0.18, 92.5)], True),
        ([epoch(5.8, 0.034, 18)], True),
        # The centroids stay, the accuracy does not.
        ([epoch(accuracy=90), epoch(accuracy=84)], True),
        ([epoch(accuracy=90), epoch(accuracy=88), epoch(accuracy=95)], False),
    ],
)
def test_the_cliff_is_recognised(history, fallen):
    assert (cliff(history) is not None) == fallen


def test_where_centroids_follow_training_accuracy_alone_tells():
    followed = dict(cmi=0.1, accuracy=90.0)
    assert cliff([followed]) is None
    assert cliff([followed], start=dict(accuracy=94.0)) is None
    reason = cliff([followed], start=dict(accuracy=96.0))
    assert 'training accuracy fell from 96.0 to 90.0 %' in reason


def start(surrogate, cmi, accuracy, num_samples):
    return dict(epoch(surrogate, cmi, accuracy), num_samples=num_samples)


@pytest.mark.parametrize(
    'history, before, fallen',
    [
        # Six digits a class under random crops at lambda 0.001, of the experiments;
        # it is the untouched teacher that is so far from its centroids.
        ([epoch(1.054, 0.321, 41.7)], start(0.923, 0.283, 38.3, 60), False),
        ([epoch(1.044, 0.270, 41.7)], start(0.760, 0.267, 46.7, 60), False),
        # Twenty a class, lambda 0 and lambda 1, which takes 32 points at the end.
        ([epoch(1.775, 0.580, 63.5)], start(1.638, 0.494, 67.5, 200), False),
        ([epoch(2.418, 0.547, 55.0)], start(1.638, 0.494, 67.5, 200), True),
        # As many points are chance among 60 images and none among 1,000.
        ([epoch(accuracy=a) for a in (61.7, 36.7)], start(0.1, 0.1, 46.7, 60), False),
        ([epoch(accuracy=a) for a in (61.7, 36.7)], start(0.1, 0.1, 46.7, 1000), True),
        ([epoch(accuracy=84)], start(0.1, 0.1, 90, 1000), True),
    ],
)
def test_only_what_has_moved_since_the_first_step_counts(history, before, fallen):
    assert (cliff(history, before) is not None) == fallen


def test_the_quick_start_at_lambda_a_half_falls_where_the_readme_says():
    """The figures that stand there, from a start as near as that teacher's."""
    history = [epoch(0.0150, 0.0110, 100), epoch(0.0617, 0.0355, 99.6)]
    before = start(0.0030, 0.0024, 100, 1000)
    for passed in (1, 2):
        assert cliff(history[:passed], before) is None
    assert cliff([*history, epoch(0.9668, 0.2049, 89.1)], before) == (
        'KL(P||Q0) 0.967 and the CMI 0.205 part ways: the centroids are being left'
    )


def test_how_far_apart_they_were_is_said():
    reason = cliff([epoch(2.418, 0.547, 55.0)], start(1.638, 0.494, 67.5, 200))
    assert reason.endswith('(they were 1.144 apart before the first step)')
    assert 'apart' not in cliff([epoch(0.78, 0.18, 92.5)], start(0.01, 0.01, 100, 1000))


@pytest.fixture
def digits(quickstart, tmp_path):
    """The quick start's config with its MLL teacher as the given one."""
    (mll,) = quickstart.teachers.glob('*-mll-*/teacher.pth')
    cfg = Config.fromfile(QUICKSTART)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.model.teacher_ckpt = str(mll)
    return cfg


def make(cfg, **options):
    path = provide_teacher(Job(cfg, TeacherOptions(**options)))
    return torch.load(path, weights_only=True)['meta']['mcmi']


def log_of(tmp_path):
    return ''.join(path.read_text() for path in tmp_path.rglob('*.log'))


def test_over_the_cliff_a_warning_says_what_to_lower(digits, tmp_path):
    mcmi = make(digits, lmda=3.0, epochs=2)
    assert mcmi['after']['train']['accuracy'] < 60  # it is a cliff
    last = mcmi['history'][-1]
    assert last['surrogate'] > 2 * last['cmi']
    assert 'WARNING - off the cliff: ' in log_of(tmp_path)
    assert 'lower mcmi.lmda (now 3)' in log_of(tmp_path)
    assert mcmi['cliff']['epochs'][-1] == 2
    assert mcmi['cliff']['reason'] in log_of(tmp_path)


@pytest.fixture
def few_cropped(digits):
    """Six digits a class, under random crops: far from the centroids untouched."""
    whole = digits.train_dataloader.dataset
    crop = dict(type='mmpretrain.RandomResizedCrop', scale=8)
    whole.pipeline = [crop, *whole.pipeline]
    digits.train_dataloader.dataset = dict(
        type='ClassFraction', fraction=0.06, dataset=whole
    )
    return digits


def test_augmentation_is_no_cliff(few_cropped, tmp_path):
    mcmi = make(few_cropped, lmda=0.001, epochs=3, on_cliff='stop')
    assert len(mcmi['history']) == 3 and 'cliff' not in mcmi
    # It is what used to be taken for one.
    assert cliff(mcmi['history'][:1]) and not cliff(mcmi['history'], mcmi['start'])
    for figures in (mcmi['start'], *mcmi['history']):
        assert figures['surrogate'] > figures['cmi'] + max(figures['cmi'], 0.05)
    assert 'off the cliff' not in log_of(tmp_path)
    # The fine-tune itself is that of a teacher of which no start was taken.
    assert 'rise' not in mcmi['history'][0]


def test_a_cliff_under_augmentation_is_one(few_cropped, tmp_path):
    mcmi = make(few_cropped, lmda=10.0, lr_factor=1.0, epochs=6)
    assert mcmi['after']['train']['accuracy'] < 60  # it is a cliff
    assert mcmi['cliff']['epochs']


def test_without_lambda_no_start_is_taken(few_cropped):
    assert 'start' not in make(few_cropped, lmda=0.0, epochs=1)


def test_a_budget_too_wide_falls_in_accuracy_and_is_told_by_its_dial(digits, tmp_path):
    mcmi = make(digits, form='budget', eps=5.0, epochs=2)
    last = mcmi['history'][1]  # the first one is the controller's warm-up
    assert last['accuracy'] < mcmi['start']['accuracy'] - 5  # it is a cliff
    assert 'surrogate' not in last and last['rise'] > 0.1
    assert 'lower mcmi.eps (now 5)' in log_of(tmp_path)


def test_stop_in_the_first_epoch_leaves_no_teacher(digits, tmp_path):
    with pytest.raises(UserError, match='mcmi.lmda=3.*first epoch'):
        make(digits, lmda=3.0, epochs=2, on_cliff='stop')
    assert not list(tmp_path.rglob('teacher.pth'))


def test_stop_keeps_the_last_good_teacher(digits, tmp_path, monkeypatch):
    from mcmi_plugin.hooks import cmi_monitor_hook

    # Lambda falls off in some later epoch; here: said to, in the third.
    def said(history, start):
        return 'so it was said' if len(history) == 3 else None

    monkeypatch.setattr(cmi_monitor_hook, 'cliff', said)
    stopped = make(digits, lmda=0.1, epochs=5, on_cliff='stop')
    monkeypatch.undo()
    assert stopped['stopped_after'] == 2
    assert len(stopped['history']) == 3
    # The teacher kept is that of epoch 2, not of epoch 3.
    figures = [
        json.loads(line)
        for path in tmp_path.rglob('scalars.json')
        for line in path.read_text().splitlines()
    ]
    validated = {f['step']: f for f in figures if 'accuracy/top1' in f}
    after, epoch_2 = stopped['after']['val'], validated[2]
    assert after['ll'] == pytest.approx(epoch_2['mcmi/ll'], abs=1e-6)
    assert after['accuracy'] == pytest.approx(epoch_2['accuracy/top1'])


def test_live_figures_reach_the_visualizer(digits, tmp_path):
    mcmi = make(digits, lmda=0.1, epochs=2)
    lines = [
        json.loads(line)
        for path in tmp_path.rglob('scalars.json')
        for line in path.read_text().splitlines()
    ]
    live = [line for line in lines if 'train_mcmi/surrogate' in line]
    assert [line['train_mcmi/cmi'] for line in live] == [
        h['cmi'] for h in mcmi['history']
    ]
    for figures in mcmi['history']:
        assert figures['ce'] == -figures['ll']
        # KL(P||Q0) is the CMI and the distance from Q0, which is no less than 0.
        assert figures['surrogate'] >= figures['cmi'] > 0


def test_a_fine_tune_that_turns_nan_stops_with_one_line(digits, tmp_path):
    with pytest.raises(UserError, match='NaN or infinity in epoch 1') as caught:
        make(digits, lmda=0.1, epochs=1, lr_factor=1e30)
    assert '\n' not in str(caught.value)
    assert not list(tmp_path.rglob('teacher.pth'))
