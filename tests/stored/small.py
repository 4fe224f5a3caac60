"""Distillations of a second: digits, cropped and mirrored, and two small ResNets."""

import copy

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, RUNNERS, DefaultScope
from mmengine.runner import Runner
from torch import nn

from mcmi_plugin.isolation import isolated

VIEWS = [
    dict(type='RandomCrop', crop_size=8, padding=1),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
PLAIN = [dict(type='PackInputs')]
POOLED = dict(type='ModuleOutputs', source='neck')
LOGITS = dict(type='ModuleOutputs', source='head.fc')


def network(**options) -> dict:
    return dict(
        _scope_='mmpretrain',
        type='ImageClassifier',
        backbone=dict(type='CIFARResNet', depth=8, base_channels=4, stem_channels=4),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=16) | options,
    )


def distiller(loss: dict, recorder: dict, names: tuple[str, str], **indices) -> dict:
    record = dict(recorder='it', **indices)
    return dict(
        type='ConfigurableDistiller',
        student_recorders=dict(it=recorder),
        teacher_recorders=dict(it=recorder),
        distill_losses=dict(loss_it=loss),
        loss_forward_mappings=dict(
            loss_it={
                names[0]: dict(record, from_student=True),
                names[1]: dict(record, from_student=False),
            }
        ),
    )


KD = distiller(
    dict(type='KLDivergence', tau=4, reduction='batchmean'),
    LOGITS,
    ('preds_S', 'preds_T'),
)
PKT = distiller(
    dict(type='PKTLoss', loss_weight=1000.0),
    POOLED,
    ('s_feature', 't_feature'),
    data_idx=0,
)


def job_file(folder, project, epochs: int, images: int, more: str = ''):
    """A config of the quick start with small networks and so many images."""
    path = folder / 'mine.py'
    path.write_text(
        f"_base_ = ['{project}/configs/mcmi/quickstart_digits.py']\n"
        'backbone = dict(base_channels=4, stem_channels=4)\n'
        'head = dict(in_channels=32)\n'
        'model = dict(architecture=dict(backbone=backbone, head=head),\n'
        '             teacher=dict(backbone=backbone, head=head))\n'
        'mcmi = dict(mll_epochs=1, epochs=1, control=False)\n'
        f'train_cfg = dict(max_epochs={epochs})\n'
        f'train_dataloader = dict(dataset=dict(indices={images}))\n{more}'
    )
    return path


def teacher_file(folder, seed: int = 0) -> str:
    """A teacher's file, with statistics as after a training."""
    path = folder / f'teacher{seed}.pth'
    generator = torch.Generator().manual_seed(seed)
    with isolated(), DefaultScope.overwrite_default_scope('mmpretrain'):
        torch.manual_seed(seed)
        teacher = MODELS.build(network())
    for module in teacher.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low in (
                (module.running_mean, -0.5),
                (module.bias, -0.5),
                (module.running_var, 0.5),
                (module.weight, 0.5),
            ):
                drawn = torch.rand(tensor.shape, generator=generator)
                tensor.data.copy_(drawn + low)
    teacher.head.fc.weight.data.mul_(30)
    torch.save(dict(state_dict=teacher.state_dict()), path)
    return str(path)


def config(
    work_dir,
    teacher,
    store=None,
    fast=False,
    pipeline=None,
    images=90,
    distiller=KD,
    **changes,
):
    """Two epochs of 6 batches of 16 images; in the last one there are 10."""
    loader = dict(
        batch_size=16,
        num_workers=0,
        dataset=dict(
            type='Digits',
            split='train',
            indices=images,
            pipeline=copy.deepcopy(pipeline or VIEWS),
        ),
        sampler=dict(type='DefaultSampler', shuffle=True),
        **(dict(type='ResidentLoader') if fast else {}),
        collate_fn=dict(type='default_collate'),
    )
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            model=dict(
                _scope_='mmrazor',
                type='LeanDistill' if fast else 'SingleTeacherDistill',
                data_preprocessor=dict(
                    type='mmpretrain.ClsDataPreprocessor',
                    mean=[78] * 3,
                    std=[96] * 3,
                    num_classes=10,
                ),
                architecture=network(),
                teacher=network(),
                teacher_ckpt=teacher,
                distiller=copy.deepcopy(distiller),
            ),
            train_dataloader=loader,
            train_cfg=dict(
                type='LeanEpochLoop' if fast else 'EpochBasedTrainLoop', max_epochs=2
            ),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9)),
            work_dir=str(work_dir),
            log_level='WARNING',
            experiment_name=str(work_dir).replace('/', '_'),
            randomness=dict(seed=0),
            custom_hooks=[],
        )
    )
    if store is not None:
        cfg.custom_hooks = [dict(type='TeacherStoreHook', **store)]
    if fast:
        cfg.runner_type = 'ResidentRunner'
    cfg.merge_from_dict(changes)
    return cfg


def build(cfg):
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def train(*args, **kwargs):
    """The student's weights at the end, and what answered for its teacher."""
    with isolated():
        runner = build(config(*args, **kwargs))
        runner.train()
    hooks = [h for h in runner.hooks if type(h).__name__ == 'TeacherStoreHook']
    state = runner.model.architecture.state_dict()
    return {k: v.clone() for k, v in state.items()}, hooks[0].answers if hooks else None


def assert_same(one, other):
    assert list(one) == list(other)
    for name, value in one.items():
        assert torch.equal(value, other[name]), name
