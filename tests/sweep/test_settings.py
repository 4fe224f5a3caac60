"""What a sweep compares, and that it never looks at the test set."""

import argparse

import pytest
import torch
from conftest import PROJECT
from imagenet_folder import write_folder
from mmengine.config import Config
from mmengine.registry import DATASETS

from mcmi_plugin.cells.arms import MLL, ZERO
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import job_config
from mcmi_plugin.networks import built
from mcmi_plugin.sweep import command
from mcmi_plugin.sweep import settings as sweep_settings
from mcmi_plugin.sweep.settings import (
    all_settings,
    check_start,
    grid,
    held_out_config,
    hold_out,
)


@pytest.fixture
def quickstart_config(project):
    return str(project / 'configs/mcmi/quickstart_digits.py')


def config_of(path, tmp_path, **options):
    teachers = str(tmp_path / 't')
    cfg, text = held_out_config(path, options, str(tmp_path), teachers)
    (tmp_path / 'held_out.py').write_text(text)
    return cfg


def cells_of(path, settings, tmp_path):
    """The configs of settings' students with seed 3, and what they are told."""
    config_of(path, tmp_path)
    file = str(tmp_path / 'held_out.py')
    cells = [command.cell_of(file, *setting, 3) for setting in settings.items()]
    assert len({cell.directory for cell in cells}) == len(cells)
    return [
        job_config(cell.config, cell.options, str(cell.directory)) for cell in cells
    ]


def test_every_setting_trains_without_the_test_set(quickstart_config, tmp_path):
    (cfg,) = cells_of(quickstart_config, {'a': {'mcmi.lmda': 0.1}}, tmp_path)
    assert cfg.test_dataloader is None
    assert cfg.test_evaluator is None
    assert "split='test'" not in cfg.pretty_text
    parts = [cfg[f'{name}_dataloader'].dataset for name in ('train', 'val')]
    assert [part.part for part in parts] == ['train', 'held_out']
    # Two halves of one partition.
    assert parts[0].seed == parts[1].seed
    assert parts[0].fraction == parts[1].fraction
    assert {part.dataset.split for part in parts} == {'train'}


def test_seeds_are_paired_and_teachers_shared(quickstart_config, tmp_path):
    wanted = all_settings([0.1], Config(dict(mcmi={})))
    configs = cells_of(quickstart_config, wanted, tmp_path)
    assert {cfg.randomness.seed for cfg in configs} == {3}
    assert {cfg.mcmi.seed for cfg in configs} == {1003}
    assert len({cfg.mcmi.teacher_dir for cfg in configs}) == 1
    hooks = [
        hook
        for cfg in configs
        for hook in cfg.custom_hooks
        if hook['type'] == 'MCMITeacherHook'
    ]
    assert [hook['form'] for hook in hooks if 'form' in hook] == ['none', 'none']
    assert [hook.get('lmda') for hook in hooks] == [None, 0.0, None, 0.1]


def test_early_stopping_is_a_control_where_the_teacher_is_trained():
    without = all_settings([], Config(dict(mcmi=dict(lmda=0.1))))
    assert list(without) == [MLL, ZERO, 'temperature']
    asked = dict(lmda=0.1, mll_epochs=5)
    trained = all_settings([], Config(dict(mcmi=asked, model=dict(teacher_ckpt=None))))
    assert trained['early stopping']['mcmi.early_stopping'] is True
    given = all_settings([], Config(dict(mcmi=asked, model=dict(teacher_ckpt='a.pth'))))
    assert list(given) == list(without)


def test_the_set_inside_crd_is_split():
    inner = dict(type='Digits', split='train', pipeline=[dict(type='PackInputs')])
    crd = dict(type='mmrazor.CRDDataset', dataset=inner)
    val = dict(type='Digits', split='test', pipeline=[dict(type='PackInputs')])
    cfg = Config(
        dict(train_dataloader=dict(dataset=crd), val_dataloader=dict(dataset=val))
    )
    hold_out(cfg)
    assert cfg.train_dataloader.dataset.type == 'mmrazor.CRDDataset'
    assert cfg.train_dataloader.dataset.dataset.type == 'HoldOut'
    assert cfg.val_dataloader.dataset.dataset.split == 'train'


@pytest.mark.parametrize('kind', ['RepeatDataset', 'ClassBalancedDataset'])
def test_a_set_that_is_repeated_is_split_before_it_is(kind):
    pipeline = [dict(type='PackInputs')]
    inner = dict(type='Digits', split='train', pipeline=pipeline)
    more = dict(
        RepeatDataset=dict(times=2), ClassBalancedDataset=dict(oversample_thr=1)
    )
    around = dict(type=kind, dataset=inner, **more[kind])
    joined = dict(type='ConcatDataset', datasets=[around, dict(inner, split='test')])
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            train_dataloader=dict(dataset=joined),
            val_dataloader=dict(dataset=dict(inner, split='test')),
        )
    )
    whole = built(DATASETS, joined, cfg)
    hold_out(cfg)
    train, held_out = (
        built(DATASETS, cfg[f'{name}_dataloader'].dataset, cfg)
        for name in ('train', 'val')
    )
    images, parts = _images(whole), (_images(train), _images(held_out))
    assert set.union(*map(set, parts)) == set(images)
    assert not set(parts[0]) & set(parts[1])
    assert len(parts[1]) == len(set(parts[1]))  # each once, to be judged by
    assert 0.09 < len(set(parts[1])) / len(set(images)) < 0.11


@pytest.fixture
def few_shot(tmp_path):
    """The student has a fifth of every class, the teacher all of them."""
    pipeline = [dict(type='PackInputs')]
    whole = dict(type='Digits', split='train', pipeline=pipeline)
    index_file = str(tmp_path / 'whole.json')
    few = dict(type='ClassFraction', fraction=0.2, index_file=index_file, dataset=whole)
    return Config(
        dict(
            default_scope='mmpretrain',
            train_dataloader=dict(dataset=few),
            val_dataloader=dict(dataset=dict(whole, split='test')),
            mcmi=dict(dataset=whole),
        )
    )


def test_what_is_held_out_from_the_student_is_so_from_the_teachers_own_set(few_shot):
    student = built(DATASETS, few_shot.train_dataloader.dataset, few_shot)
    hold_out(few_shot)
    loaders = few_shot.train_dataloader, few_shot.val_dataloader, few_shot.mcmi
    train, held_out, teacher = (
        set(_images(built(DATASETS, owner.dataset, few_shot))) for owner in loaders
    )
    assert train < teacher and not held_out & teacher
    assert 0.08 < len(held_out) / len(student) < 0.12


def test_the_teachers_own_set_of_a_sweep_is_written_for_its_settings(tmp_path):
    text = (
        "_base_ = ['{}']\n"
        'whole = _base_.train_dataloader.dataset\n'
        'mcmi = dict(dataset=whole)\n'
        'train_dataloader = dict(dataset=dict(\n'
        "    _delete_=True, type='ClassFraction', fraction=0.2, dataset=whole))\n"
    )
    path = tmp_path / 'few.py'
    path.write_text(text.format(PROJECT / 'configs/mcmi/quickstart_digits.py'))
    config_of(str(path), tmp_path)
    written = Config.fromfile(tmp_path / 'held_out.py')
    assert written.mcmi.dataset.type == 'HoldOut'
    assert written.train_dataloader.dataset.dataset == written.mcmi.dataset


def _images(dataset):
    found = (dataset.get_data_info(i)['img'] for i in range(len(dataset)))
    return [image.tobytes() for image in found]


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'mcmi.form': 'budget'}, 'mcmi.form=budget: has no lambda to be searched'),
        ({'mcmi.form': 'budget', 'mcmi.eps': 0.1}, 'mcmi.form=budget: has no lambda'),
        ({'mcmi.form': 'none', 'mcmi.lmda': None}, 'mcmi.form=none: has no lambda'),
        ({'mcmi.reward': 'entropy'}, 'mcmi.reward=entropy: a sweep is over lambda of'),
    ],
)
def test_what_a_sweep_cannot_search_is_said_at_once(
    options, said, quickstart_config, tmp_path
):
    with pytest.raises(UserError) as error:
        config_of(quickstart_config, tmp_path, **options)
    assert str(error.value).startswith(said)


def test_every_setting_of_averaged_teachers_can_be_run(quickstart_config, tmp_path):
    options = {'mcmi.snapshots': 2}
    cfg = config_of(quickstart_config, tmp_path, **options)
    settings = all_settings([0.1], cfg)
    assert settings and 'early stopping' not in settings  # it takes one of the epochs
    for name, setting in settings.items():
        cell = command.cell_of(str(tmp_path / 'held_out.py'), name, setting, 0)
        mcmi = job_config(cell.config, cell.options, str(cell.directory)).mcmi
        assert (mcmi.snapshots, mcmi.get('early_stopping', False)) == (2, False)


def test_the_grid_reaches_both_ends_and_never_past_them():
    lmdas = grid(0.00916, 0.366, 5)
    assert lmdas[0] == 0.00916
    assert lmdas[-1] == 0.366
    assert lmdas == sorted(set(lmdas))
    ratios = [b / a for a, b in zip(lmdas, lmdas[1:], strict=False)]
    assert max(ratios) / min(ratios) < 1.02


def test_a_config_without_validation_is_refused(project, tmp_path):
    path = tmp_path / 'no_val.py'
    base = project / 'configs/mcmi/quickstart_digits.py'
    path.write_text(f'_base_ = {str(base)!r}\nval_dataloader = None\n')
    with pytest.raises(UserError, match='val_dataloader'):
        config_of(str(path), tmp_path)


def test_bare_names_of_mmpretrain_mean_its_data_sets(tmp_path, monkeypatch):
    """Where the teacher is trained first, the sweep itself builds the training set."""
    write_folder(tmp_path)
    data = dict(type='CustomDataset', data_root=str(tmp_path / 'train'), pipeline=[])
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            mcmi=dict(lmda=0.1, mll_epochs=1),
            model=dict(teacher=dict(type='ImageClassifier')),
            train_dataloader=dict(dataset=data),
        )
    )

    class Reached(Exception):
        pass

    def provide_teacher(job):
        assert len(DATASETS.build(job.cfg.train_dataloader.dataset)) > 0
        raise Reached

    monkeypatch.setattr(sweep_settings, 'provide_teacher', provide_teacher)
    with pytest.raises(Reached):
        sweep_settings.suggested_range(cfg)


@pytest.mark.parametrize('key', ['load_from', 'model.teacher_ckpt'])
def test_an_mcmi_teacher_to_start_from_is_refused(key, quickstart_config, tmp_path):
    """It would be every setting's teacher; load_from once ended in a KeyError."""
    made = dict(stage='mcmi', lmda=0.1)
    file = str(tmp_path / 'a.pth')
    cfg = config_of(quickstart_config, tmp_path)
    cfg.merge_from_dict({key: file})
    name, meta = {
        'load_from': ('teacher.w', dict(mcmi_teacher=made)),
        'model.teacher_ckpt': ('w', dict(mcmi=made)),
    }[key]
    torch.save(dict(state_dict={name: torch.ones(1)}, meta=meta), file)
    with pytest.raises(UserError) as refused:
        check_start(cfg)
    words = f'{key}: {file} holds an MCMI teacher already (lambda 0.1), so there is'
    assert str(refused.value).startswith(words)
    torch.save(dict(state_dict={name: torch.ones(1)}), file)
    check_start(cfg)  # any other teacher


@pytest.mark.parametrize(('trials', 'told'), [(4, True), (5, False)])
def test_too_few_trials_for_any_lambda(
    trials, told, quickstart_config, tmp_path, monkeypatch, capsys
):
    class Begun(Exception):
        pass

    def run_sweep(plan, *_):
        assert plan.trials == trials
        raise Begun

    monkeypatch.setattr(command, 'run_sweep', run_sweep)
    args = argparse.Namespace(
        config=quickstart_config,
        cfg_options={},
        work_dir=str(tmp_path),
        trials=trials,
        seeds=1,
        range=[0.1, 0.2],
    )
    with pytest.raises(Begun):
        command.sweep(args)
    said = capsys.readouterr().out
    words = (
        '--trials 4: the controls come first (MLL, lambda = 0, temperature, early '
        'stopping), so no lambda is tried; give --trials 6 or more'
    )
    assert (words in said) == told
