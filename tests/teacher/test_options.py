"""What ``mcmi`` may say, and the one line for what it may not."""

import pytest
from conftest import QUICKSTART
from mmengine.config import Config

from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import add_teacher_hook
from mcmi_plugin.teacher.options import TeacherOptions


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({}, ['mcmi.lmda is not set', 'mcmi.form=budget']),
        (dict(form='ema'), ['mcmi.lmda is not set']),
        (
            dict(form='bugdet'),
            [
                "mcmi.form='bugdet'",
                'fixed, ema, budget, lower_bound, none',
                'did you mean budget?',
            ],
        ),
        (
            dict(lmda=0.1, reward='wrong_clas'),
            ['mcmi.reward', 'cmi, wrong_class, negative_entropy, entropy, label_smo'],
        ),
        (dict(lmda=0.1, form='budget'), ['mcmi.lmda=0.1', 'mcmi.form=budget']),
        (dict(lmda=0.1, form='none'), ['mcmi.lmda=0.1', 'mcmi.form=none']),
        (dict(form='budget', eps=0), ['mcmi.eps=0', 'above 0', '0.02']),
        (dict(form='budget', eps=-0.1), ['mcmi.eps=-0.1', 'above 0']),
        (dict(form='budget', eps='low'), ["mcmi.eps='low'", 'finite number']),
        (dict(lmda=0.1, eps=0.02), ['mcmi.eps=0.02', 'mcmi.form=budget']),
        (dict(form='none', eps=0.02), ['mcmi.eps=0.02', 'mcmi.form=budget']),
        (
            dict(lmda=0.1, form='ema', reward='entropy'),
            ['mcmi.reward=entropy', 'mcmi.form=fixed'],
        ),
        (dict(lmda=1, reward='label_smoothing'), ['mcmi.lmda=1', 'below 1']),
        (
            dict(lmda=1, reward='wrong_class', centroid_mode='train'),
            ['mcmi.centroid_mode=train', 'wrong_class'],
        ),
        (
            dict(form='none', early_stopping=True),
            ['mcmi.early_stopping=True', 'mcmi.mll_epochs'],
        ),
        (dict(form='none', temperature=0), ['mcmi.temperature=0', 'above 0']),
        (dict(form='none', temperature='best'), ['mcmi.temperature', "'validation'"]),
        (dict(form='none', temperature=True), ['mcmi.temperature=True', 'number']),
        (dict(form='none', dataset=dict(split='train')), ['mcmi.dataset', 'type']),
    ],
)
def test_bad_options_are_one_line(options, words):
    with pytest.raises(UserError) as caught:
        TeacherOptions(**options)
    for word in words:
        assert word in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_budget_has_a_default():
    assert TeacherOptions(form='budget').eps == 0.02
    assert TeacherOptions(lmda=0.1).eps is None


@pytest.mark.parametrize(
    'options',
    [
        dict(form='budget', eps=0.1),
        dict(form='ema', lmda=1.0),
        dict(lmda=0.2, reward='wrong_class'),
        dict(lmda=0.2),
    ],
)
def test_the_control_is_one_and_the_same_for_every_form(options):
    shared = dict(epochs=3, mll_epochs=4, early_stopping=True, seed=5, temperature=2)
    control = TeacherOptions(**options, **shared).of_control()
    assert control == TeacherOptions(lmda=0.0, **shared)


def quickstart(**options):
    cfg = Config.fromfile(QUICKSTART)
    cfg.mcmi.update(options)
    return cfg


@pytest.mark.parametrize('form', ['budget', 'none'])
def test_a_recipes_lambda_gives_way_to_a_form_without_one(form):
    cfg = quickstart(form=form)
    add_teacher_hook(cfg, ['mcmi.form'])
    assert 'lmda' not in cfg.mcmi and 'lmda' not in cfg.custom_hooks[-1]
    add_teacher_hook(Config(cfg.to_dict()), [])  # a dump of that run
    with pytest.raises(UserError, match='mcmi.lmda=0.25.*leave mcmi.lmda out'):
        add_teacher_hook(quickstart(form=form), ['mcmi.form', 'mcmi.lmda'])


def test_forms_with_a_lambda_keep_it():
    cfg = quickstart(form='ema')
    add_teacher_hook(cfg, ['mcmi.form'])
    assert cfg.custom_hooks[-1].lmda == 0.25
    cfg = quickstart()
    cfg.mcmi.pop('lmda')
    with pytest.raises(UserError, match='mcmi.lmda is not set'):
        add_teacher_hook(cfg)
