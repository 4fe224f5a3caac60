"""The teacher stage's configs follow from the distillation config."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper

from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher import recipe
from mcmi_plugin.teacher.content import Content
from mcmi_plugin.teacher.data import measuring_loader, plain_dataset
from mcmi_plugin.teacher.model import names_pretrained, teacher_model
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config
from mcmi_plugin.teacher.store import fingerprint

OPTIONS = TeacherOptions(lmda=0.1, epochs=7)
HELD = Content(10, 'what it holds')


@pytest.fixture
def imagenet(project):
    return Config.fromfile(project / 'configs/mcmi/r34_r18_imagenet.py')


def plain(part):
    # mmengine notes in every dict of a package's config where it came from.
    return {key: value for key, value in part.items() if key != '_scope_'}


def options_of(cfg, **changes):
    return TeacherOptions(**{**cfg.mcmi, **changes})


@pytest.mark.parametrize(
    'name, lmda, lr', [('r34_r18', 0.1, 0.1), ('r50_mnv2', 0.15, 0.1)]
)
def test_the_papers_recipe(project, name, lmda, lr):
    cfg = Config.fromfile(project / f'configs/mcmi/{name}_imagenet.py')
    stage = stage_config(cfg, options_of(cfg), 'mcmi', 'dir')
    assert stage.model.head.loss == dict(type='CMILoss', lmda=lmda, num_classes=1000)
    assert plain(stage.optim_wrapper.optimizer) == dict(
        type='SGD', lr=pytest.approx(lr / 5), momentum=0.9, weight_decay=1e-4
    )
    assert stage.train_cfg.max_epochs == 10
    assert stage.param_scheduler == dict(
        type='CosineAnnealingLR', T_max=10, by_epoch=True
    )
    assert stage.train_dataloader.batch_size == 256
    assert stage.auto_scale_lr.base_batch_size == 256
    # The student: PyTorch's recipe and ten more epochs (A.8.2), alpha = 0.9, T = 4.
    assert cfg.train_cfg.max_epochs == 100
    assert cfg.param_scheduler.milestones == [30, 60, 90]
    assert plain(cfg.optim_wrapper.optimizer) == dict(
        type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4
    )
    assert cfg.model.architecture.head.loss.loss_weight == pytest.approx(0.1)
    assert cfg.model.distiller.distill_losses.loss_kd == dict(
        type='KLDivergence', tau=4, reduction='batchmean', loss_weight=0.9
    )
    assert cfg.train_dataloader.dataset.data_root == 'data/imagenet'


def test_the_data_are_the_distillation_configs(imagenet):
    imagenet.train_dataloader.dataset.data_root = 'elsewhere'
    stage = stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert stage.train_dataloader.dataset == imagenet.train_dataloader.dataset
    centroids = stage.custom_hooks[0].dataloader
    assert centroids.dataset.data_root == 'elsewhere'
    assert centroids.dataset.split == 'train'
    # The training samples through the validation set's unaugmented pipeline.
    assert centroids.dataset.pipeline == imagenet.val_dataloader.dataset.pipeline
    assert centroids.sampler == dict(
        type='DefaultSampler', shuffle=False, round_up=False
    )


def test_nothing_of_the_distillation_config_is_changed(imagenet):
    before = imagenet.pretty_text
    stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert imagenet.pretty_text == before


def test_the_first_stage_is_maximum_likelihood(project):
    cfg = Config.fromfile(project / 'configs/mcmi/quickstart_digits.py')
    stage = stage_config(cfg, options_of(cfg), 'mll', 'dir')
    assert stage.model.head.loss.lmda == 0
    assert stage.optim_wrapper.optimizer.lr == 0.05
    assert stage.train_cfg.max_epochs == 15
    kinds = {hook.type for hook in stage.custom_hooks}
    assert 'CMIMonitorHook' in kinds and 'CentroidHook' not in kinds


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


def test_mixing_is_left_out_of_the_teacher_stage(imagenet, caplog):
    imagenet.data_preprocessor.batch_augments = dict(augments=dict(type='Mixup'))
    imagenet.model.teacher.train_cfg = dict(augments=dict(type='CutMix'))
    stage = stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert 'batch_augments' not in stage.model.data_preprocessor
    assert 'train_cfg' not in stage.model


def test_mmengines_preprocessor_becomes_the_same_arithmetic():
    cfg = Config(
        dict(
            model=dict(
                teacher=dict(type='ImageClassifier'),
                data_preprocessor=dict(
                    type='ImgDataPreprocessor', mean=[1], std=[2], bgr_to_rgb=True
                ),
            )
        )
    )
    assert teacher_model(cfg).data_preprocessor == dict(
        type='mmpretrain.ClsDataPreprocessor', mean=[1], std=[2], to_rgb=True
    )


def test_a_contrastive_wrapper_is_taken_off():
    inner = dict(type='CIFAR10', pipeline=[dict(type='PackCRDClsInputs')])
    cfg = Config(dict(data=dict(type='mmrazor.CRDDataset', dataset=inner, neg_num=3)))
    assert plain_dataset(cfg.data) == dict(
        type='CIFAR10', pipeline=[dict(type='PackInputs', _scope_='mmpretrain')]
    )


def test_wrapped_data_sets_keep_their_wrapper(imagenet):
    inner = imagenet.train_dataloader.dataset
    for wrapped in (
        dict(type='RepeatDataset', times=2, dataset=inner),
        dict(type='ConcatDataset', datasets=[inner, inner]),
    ):
        imagenet.train_dataloader.dataset = wrapped
        loader = measuring_loader(imagenet, 'train')
        plain = imagenet.val_dataloader.dataset.pipeline
        assert loader.dataset.type == wrapped['type']
        first = loader.dataset.get('dataset') or loader.dataset.datasets[1]
        assert first.pipeline == plain


def test_without_an_unaugmented_pipeline_there_is_no_measuring(imagenet):
    imagenet.val_dataloader = imagenet.test_dataloader = None
    with pytest.raises(UserError, match='val_dataloader'):
        measuring_loader(imagenet, 'train')


@pytest.mark.parametrize('stage', ['mll', 'mcmi'])
@pytest.mark.parametrize(
    'given',
    [
        dict(type='AmpOptimWrapper', loss_scale='dynamic'),
        dict(type='AmpOptimWrapper', dtype='bfloat16'),
        dict(type='mmengine.AmpOptimWrapper', dtype='bfloat16', loss_scale=512.0),
        dict(type=AmpOptimWrapper, dtype=torch.bfloat16, use_fsdp=True),
    ],
)
def test_mixed_precision_is_for_both_stages(imagenet, given, stage):
    imagenet.optim_wrapper.update(given, accumulative_counts=3)
    options = options_of(imagenet, mll_epochs=1)
    optim = stage_config(imagenet, options, stage, 'dir').optim_wrapper
    taken = {key: value for key, value in optim.items() if key != 'optimizer'}
    # What is the student's own, as the accumulation, is not the teacher's.
    assert plain(taken) == {'loss_scale': 'dynamic', **given}


def test_without_mixed_precision_none_of_its_keys_is_taken(imagenet):
    imagenet.optim_wrapper.dtype = 'bfloat16'  # which OptimWrapper would refuse
    options = options_of(imagenet)
    optim = stage_config(imagenet, options, 'mcmi', 'dir').optim_wrapper
    assert plain(optim).keys() == {'optimizer'}


def test_no_weights_are_downloaded_for_the_stage(imagenet):
    pretrained = dict(type='Pretrained', checkpoint='https://nowhere')
    teacher = imagenet.model.teacher
    teacher.init_cfg = pretrained
    teacher.backbone.update(pretrained=True, init_cfg=[pretrained])
    teacher.head.init_cfg = dict(type='Normal', layer='Linear', std=0.01)
    assert names_pretrained(teacher)
    model = teacher_model(imagenet)
    assert not names_pretrained(model)
    assert model.head.init_cfg.type == 'Normal'


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


def test_all_is_measured_whatever_a_loader_cuts_off(imagenet):
    imagenet.val_dataloader.update(num_batch_per_epoch=4, drop_last=True)
    for split in ('train', 'val'):
        loader = measuring_loader(imagenet, split)
        assert 'num_batch_per_epoch' not in loader and not loader.drop_last


def test_the_stage_has_the_distillations_runner_and_loader(imagenet):
    imagenet.runner_type = 'ResidentRunner'
    imagenet.train_dataloader.update(type='ResidentLoader', memory_budget=1)
    stage = stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert stage.runner_type == 'ResidentRunner'
    assert stage.train_dataloader.type == 'ResidentLoader'
    assert stage.train_dataloader.memory_budget == 1
    assert stage.train_dataloader.batch_size == 256


def test_a_contrastive_wrapper_is_taken_off_around_and_within_others():
    inner = dict(type='CIFAR10', pipeline=[dict(type='PackCRDClsInputs')])
    expected = dict(
        type='KeepClasses',
        classes=[0, 1],
        dataset=dict(
            type='CIFAR10', pipeline=[dict(type='PackInputs', _scope_='mmpretrain')]
        ),
    )
    around = dict(
        type='CRDDataset',
        dataset=dict(type='KeepClasses', classes=[0, 1], dataset=inner),
    )
    within = dict(
        type='KeepClasses',
        classes=[0, 1],
        dataset=dict(type='CRDDataset', dataset=inner),
    )
    for wrapped in (around, within):
        assert plain_dataset(Config(dict(data=wrapped)).data) == expected


def test_the_pipeline_is_that_of_the_innermost_data_set(imagenet):
    inner = imagenet.train_dataloader.dataset
    imagenet.train_dataloader.dataset = dict(
        type='ClassFraction',
        fraction=0.1,
        dataset=dict(type='KeepClasses', classes=[0], dataset=inner),
    )
    dataset = measuring_loader(imagenet, 'train').dataset
    assert (dataset.type, dataset.dataset.type) == ('ClassFraction', 'KeepClasses')
    assert 'pipeline' not in dataset and 'pipeline' not in dataset.dataset
    plain = imagenet.val_dataloader.dataset.pipeline
    assert dataset.dataset.dataset.pipeline == plain
