"""What is in the recipe that a teacher is found again by."""

import copy

import pytest
from mmengine.config import Config

from mcmi_plugin.datasets.content import Content
from mcmi_plugin.provenance import fingerprint
from mcmi_plugin.teacher import recipe
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config

OPTIONS = TeacherOptions(lmda=0.1, epochs=7)


HELD = Content(10, 'what it holds')


@pytest.fixture
def imagenet(project):
    return Config.fromfile(project / 'configs/mcmi/r34_r18_imagenet.py')


def options_of(cfg, **changes):
    return TeacherOptions(**{**cfg.mcmi, **changes})


# What decides which teacher comes out, and so is in its recipe. In every row: what
# changes in the config, and else.
IN_THE_RECIPE = [
    dict(mcmi=dict(lmda=0.2)),
    dict(mcmi=dict(epochs=3)),
    dict(mcmi=dict(lr_factor=0.5)),
    dict(mcmi=dict(seed=1)),
    dict(mcmi=dict(centroid_mode='train')),
    dict(mcmi=dict(on_cliff='stop')),
    dict(mcmi=dict(form='ema')),
    dict(mcmi=dict(reward='entropy')),
    dict(base='other'),
    dict(train=Content(11, 'what it holds')),
    dict(train=Content(10, 'other labels')),
    dict(change={'train_dataloader.dataset.split': 'val'}),
    dict(change={'train_dataloader.dataset.pipeline': []}),
    dict(change={'val_dataloader.dataset.pipeline': []}),  # the centroids are taken by
    dict(change={'train_dataloader.drop_last': True}),
    dict(change={'train_dataloader.num_batch_per_epoch': 4}),
    dict(change={'model.teacher.type': 'Other'}),
    dict(change={'data_preprocessor.to_rgb': False}),
    dict(change={'sync_bn': 'torch'}),
    dict(change={'optim_wrapper.type': 'AmpOptimWrapper'}),
    dict(change={'optim_wrapper.type': 'AmpOptimWrapper', 'optim_wrapper.dtype': 'x'}),
    dict(mcmi=dict(teacher_config='base512.py')),
    dict(mcmi=dict(teacher_config='unscaled.py')),
    dict(mcmi=dict(teacher_config='unscaled.py'), processes=2),
    dict(
        mcmi=dict(teacher_config='unscaled.py'),
        change={'train_dataloader.batch_size': 64},
    ),
]


# How it was computed, where it lies, and what concerns the student alone.
NOT_IN_THE_RECIPE = [
    dict(mcmi=dict(teacher_dir='elsewhere')),
    dict(mcmi=dict(control=True)),
    dict(processes=2),  # the rate is scaled by the total batch
    dict(change={'train_dataloader.batch_size': 32}),
    dict(change={'train_dataloader.num_workers': 0}),
    dict(change={'train_dataloader.dataset.data_root': 'elsewhere'}),
    dict(change={'train_dataloader.dataset.ann_file': 'elsewhere'}),
    dict(change={'train_dataloader.dataset.data_prefix': 'elsewhere'}),
    dict(change={'train_dataloader.sampler.shuffle': False}),
    dict(change={'val_dataloader.dataset.data_root': 'elsewhere'}),
    dict(change={'val_dataloader.batch_size': 7}),
    dict(change={'val_dataloader.drop_last': True}),
    dict(change={'val_dataloader.num_batch_per_epoch': 4}),
    dict(change={'optim_wrapper.optimizer.lr': 0.5}),
    dict(change={'train_cfg.max_epochs': 3}),
    dict(change={'model.architecture.type': 'Other'}),
    dict(change={'randomness.seed': 1}),
    dict(change={'work_dir': 'elsewhere'}),
    dict(change={'runner_type': 'ResidentRunner'}),
]


@pytest.fixture
def recipe_when(imagenet, tmp_path, monkeypatch):
    """The recipe of the ImageNet teacher when something is another way."""
    optim = "optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))"
    for name, base in (('base256', 256), ('base512', 512), ('unscaled', None)):
        scaling = f'auto_scale_lr = {base and dict(base_batch_size=base)}'
        (tmp_path / f'{name}.py').write_text(f'{optim}\n{scaling}\n')
    monkeypatch.chdir(tmp_path)
    imagenet.mcmi.teacher_config = str(tmp_path / 'base256.py')

    def made_by(change=None, mcmi=None, base='hash', train=HELD, processes=1):
        monkeypatch.setattr(recipe, 'get_world_size', lambda: processes)
        cfg = copy.deepcopy(imagenet)
        cfg.merge_from_dict(copy.deepcopy(change or {}))
        options = options_of(cfg, **(mcmi or {}))
        stage = stage_config(cfg, options, 'mcmi', 'dir')
        return fingerprint(recipe.recipe_of(stage, options, train, base))

    return made_by


def test_what_is_in_a_recipe_and_what_is_not(recipe_when):
    first = recipe_when()
    for row in NOT_IN_THE_RECIPE:
        assert recipe_when(**row) == first, row
    others = [recipe_when(**row) for row in IN_THE_RECIPE]
    assert first not in others, IN_THE_RECIPE[others.index(first)]
    assert len(set(others)) == len(others)  # nor is one of them another


def test_a_recipe_knows_no_machine(recipe_when, tmp_path, monkeypatch):
    """Neither where the data lie nor from where a command was run."""
    place = {'train_dataloader.dataset.data_root': 'data'}
    first = recipe_when(change=place)
    (tmp_path / 'other').mkdir()
    monkeypatch.chdir(tmp_path / 'other')
    assert recipe_when(change=place) == first


def test_defaults_leave_the_recipe_of_teachers_made_before(imagenet):
    """Byte for byte: what is in the recipe is in the hash that names the folder."""
    stage = stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    made_by = recipe.recipe_of(stage, options_of(imagenet), HELD, 'hash')
    assert set(made_by) == {
        'model', 'data', 'num_samples', 'optim_wrapper', 'epochs', 'seed', 'base',
        'centroid_mode', 'centroid_data', 'on_cliff',
        'data_content', 'base_batch_size',  # of data in files, of a scaled rate
    }  # fmt: skip
    assert set(made_by['model']['head']['loss']) == {'type', 'lmda', 'num_classes'}
    assert recipe.folder_name(imagenet, OPTIONS, 'mcmi').endswith('-mcmi-lmda0.1')


@pytest.mark.parametrize(
    'changes, name',
    [
        (dict(form='ema'), '-mcmi-ema-lmda0.1'),
        (dict(lmda=None, form='budget'), '-mcmi-budget-eps0.02'),
        (dict(lmda=None, form='budget', eps=0.1), '-mcmi-budget-eps0.1'),
        (dict(reward='wrong_class'), '-mcmi-wrong_class-lmda0.1'),
        (dict(reward='entropy'), '-mcmi-entropy-lmda0.1'),
    ],
)
def test_every_form_is_another_recipe(imagenet, changes, name):
    options = options_of(imagenet, **changes)
    stage = stage_config(imagenet, options, 'mcmi', 'dir')
    loss = stage.model.head.loss
    for key in ('form', 'eps', 'reward'):
        given = getattr(options, key)
        assert loss.get(key) == (None if given in ('fixed', 'cmi') else given)
    assert loss.lmda == options.lmda
    assert recipe.folder_name(imagenet, options, 'mcmi').endswith(name)


def test_early_stopping_is_of_the_first_stage_and_of_its_validation_set(imagenet):
    def of(stage, early_stopping, val=HELD):
        options = options_of(
            imagenet, mll_epochs=3, early_stopping=early_stopping, lmda=0.1
        )
        cfg = stage_config(imagenet, options, stage, 'dir')
        base = 'hash' if stage == 'mcmi' else None
        chooses = cfg.default_hooks.checkpoint.get('save_best')
        return recipe.recipe_of(cfg, options, HELD, base, val if chooses else None)

    assert of('mcmi', True) == of('mcmi', False)
    first = of('mll', True)
    assert first != of('mll', False)
    assert of('mll', True, val=Content(10, 'other labels')) != first
    imagenet.val_dataloader.dataset.data_root = 'elsewhere'
    imagenet.val_dataloader.batch_size = 7
    assert of('mll', True) == first
    imagenet.val_dataloader.num_batch_per_epoch = 4  # it is chosen by a part
    assert of('mll', True) != first
    del imagenet.val_dataloader['num_batch_per_epoch']
    imagenet.val_dataloader.dataset.split = 'train'
    assert of('mll', True) != first
