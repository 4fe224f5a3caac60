"""The teacher stage's configs follow from the distillation config."""

import pytest
from mmengine.config import Config

from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher import recipe
from mcmi_plugin.teacher.data import measuring_loader, plain_dataset
from mcmi_plugin.teacher.model import names_pretrained, teacher_model
from mcmi_plugin.teacher.options import TeacherOptions

OPTIONS = TeacherOptions(lmda=0.1, epochs=7)


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
    stage = recipe.stage_config(cfg, options_of(cfg), 'mcmi', 'dir')
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
    stage = recipe.stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
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
    recipe.stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert imagenet.pretty_text == before


def test_the_first_stage_is_maximum_likelihood(project):
    cfg = Config.fromfile(project / 'configs/mcmi/quickstart_digits.py')
    stage = recipe.stage_config(cfg, options_of(cfg), 'mll', 'dir')
    assert stage.model.head.loss.lmda == 0
    assert stage.optim_wrapper.optimizer.lr == 0.05
    assert stage.train_cfg.max_epochs == 15
    kinds = {hook.type for hook in stage.custom_hooks}
    assert 'CMIMonitorHook' in kinds and 'CentroidHook' not in kinds


def test_what_makes_another_teacher(imagenet):
    def of(cfg, samples=10, base='hash', **changes):
        options = options_of(cfg, **changes)
        stage = recipe.stage_config(cfg, options, 'mcmi', 'dir')
        return recipe.recipe_of(stage, options, samples, base)

    first = of(imagenet)
    for changes in (
        dict(lmda=0.2), dict(epochs=3), dict(lr_factor=0.5), dict(seed=1),
        dict(centroid_mode='train'), dict(samples=11), dict(base='other'),
    ):  # fmt: skip
        assert of(imagenet, **changes) != first, changes
    assert of(imagenet, teacher_dir='elsewhere', control=True) == first
    student = imagenet
    student.optim_wrapper.optimizer.lr = 0.5
    student.train_cfg.max_epochs = 3
    student.train_dataloader.num_workers = 0
    student.train_dataloader.batch_size = 32  # the rate is scaled by it
    assert of(student) == first
    student.train_dataloader.dataset.data_root = 'elsewhere'
    assert of(student) != first


def test_mixing_is_left_out_of_the_teacher_stage(imagenet, caplog):
    imagenet.data_preprocessor.batch_augments = dict(augments=dict(type='Mixup'))
    imagenet.model.teacher.train_cfg = dict(augments=dict(type='CutMix'))
    stage = recipe.stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
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


def test_mixed_precision_is_for_both_stages(imagenet):
    imagenet.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    stage = recipe.stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert stage.optim_wrapper.type == 'AmpOptimWrapper'
    assert stage.optim_wrapper.loss_scale == 'dynamic'


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
    stage = recipe.stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    made_by = recipe.recipe_of(stage, options_of(imagenet), 10, 'hash')
    assert set(made_by) == {
        'model', 'data', 'num_samples', 'optim_wrapper', 'epochs', 'seed', 'base',
        'centroid_mode', 'centroid_data', 'on_cliff',
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
    stage = recipe.stage_config(imagenet, options, 'mcmi', 'dir')
    loss = stage.model.head.loss
    for key in ('form', 'eps', 'reward'):
        given = getattr(options, key)
        assert loss.get(key) == (None if given in ('fixed', 'cmi') else given)
    assert loss.lmda == options.lmda
    assert recipe.folder_name(imagenet, options, 'mcmi').endswith(name)


def test_early_stopping_is_of_the_first_stage_and_of_its_validation_set(imagenet):
    def of(stage, early_stopping):
        options = options_of(
            imagenet, mll_epochs=3, early_stopping=early_stopping, lmda=0.1
        )
        cfg = recipe.stage_config(imagenet, options, stage, 'dir')
        base = 'hash' if stage == 'mcmi' else None
        return recipe.recipe_of(cfg, options, 10, base)

    assert of('mcmi', True) == of('mcmi', False)
    first = of('mll', True)
    assert first != of('mll', False)
    imagenet.val_dataloader.dataset.split = 'train'
    assert of('mll', True) != first


def test_the_stage_has_the_distillations_runner_and_loader(imagenet):
    imagenet.runner_type = 'ResidentRunner'
    imagenet.train_dataloader.update(type='ResidentLoader', memory_budget=1)
    stage = recipe.stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
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
