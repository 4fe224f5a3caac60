"""The teacher stage's configs follow from the distillation config."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper

from mcmi_plugin.networks import names_pretrained
from mcmi_plugin.teacher.model import teacher_model
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage_config import stage_config


@pytest.fixture
def imagenet(project):
    return Config.fromfile(project / 'configs/mcmi/r34_r18_imagenet.py')


def options_of(cfg, **changes):
    return TeacherOptions(**{**cfg.mcmi, **changes})


def plain(part):
    # mmengine notes in every dict of a package's config where it came from.
    return {key: value for key, value in part.items() if key != '_scope_'}


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


@pytest.mark.parametrize(
    ('key', 'value'), [('find_unused_parameters', True), ('sync_bn', 'torch')]
)
def test_what_several_processes_are_told_is_the_teachers_too(key, value, imagenet):
    """What the docs say against torch's error; statistics over all processes."""
    imagenet[key] = value
    stage = stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert stage[key] == value


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


def test_the_stage_has_the_distillations_runner_and_loader(imagenet):
    imagenet.runner_type = 'ResidentRunner'
    imagenet.train_dataloader.update(type='ResidentLoader', memory_budget=1)
    stage = stage_config(imagenet, options_of(imagenet), 'mcmi', 'dir')
    assert stage.runner_type == 'ResidentRunner'
    assert stage.train_dataloader.type == 'ResidentLoader'
    assert stage.train_dataloader.memory_budget == 1
    assert stage.train_dataloader.batch_size == 256
