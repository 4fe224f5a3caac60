"""Trainings of a second: a small classifier of a few digits."""

import copy

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, RUNNERS
from mmengine.runner import Runner
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from pairs import KD
from torch import nn

import mcmi_plugin.fast  # noqa: F401  (registers ResidentRunner and its loops)

PACK = [dict(type='PackInputs')]
NO_VALIDATION = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)


@MODELS.register_module()
class SteadyBackbone(BaseBackbone):
    """8 x 8 images to 16 features; nothing is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
            nn.Linear(36, 16),
        )  # fmt: skip

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.layers(inputs),)


@MODELS.register_module()
class DropoutBackbone(BaseBackbone):
    """8 x 8 images to 16 features, with batch norm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(36, 16),
        )

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.layers(inputs),)


def config(work_dir, resident: bool = True, lean: bool = True, **changes) -> Config:
    """Two epochs of 5 iterations, over ordinary loaders and loops or ours."""
    kind = dict(type='ResidentLoader') if resident else dict(collate_fn=COLLATE)
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            model=dict(
                type='ImageClassifier',
                data_preprocessor=dict(mean=[78] * 3, std=[96] * 3, num_classes=10),
                backbone=dict(type='DropoutBackbone'),
                head=dict(type='LinearClsHead', num_classes=10, in_channels=16),
            ),
            train_dataloader=dict(
                batch_size=16,
                num_workers=0,
                dataset=dict(type='Digits', split='train', indices=70, pipeline=PACK),
                sampler=dict(type='DefaultSampler', shuffle=True),
                **kind,
            ),
            val_dataloader=dict(
                batch_size=16,
                num_workers=0,
                dataset=dict(type='Digits', split='test', indices=50, pipeline=PACK),
                sampler=dict(type='DefaultSampler', shuffle=False),
                **kind,
            ),
            train_cfg=dict(
                type='LeanEpochLoop' if lean else 'EpochBasedTrainLoop', max_epochs=2
            ),
            val_cfg=dict(type='BatchValLoop' if lean else 'ValLoop'),
            val_evaluator=[
                dict(type='Accuracy', topk=(1, 3)),
                dict(type='CMIMetric'),
            ],
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9)),
            param_scheduler=dict(type='CosineAnnealingLR', T_max=2, by_epoch=True),
            default_hooks=dict(logger=dict(type='LoggerHook', interval=2)),
            work_dir=str(work_dir),
            log_level='ERROR',
            experiment_name=str(work_dir).replace('/', '_'),  # a message hub each
            randomness=dict(seed=0),
        )
    )
    if resident:
        cfg.runner_type = 'ResidentRunner'
    cfg.merge_from_dict(changes)
    return cfg


COLLATE = dict(type='default_collate')


def distillation() -> dict:
    def network(depth: int) -> dict:
        return dict(
            type='ImageClassifier',
            backbone=dict(type='CIFARResNet', depth=depth),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
        )

    fc = dict(fc=dict(type='ModuleOutputs', source='head.fc'))
    return dict(
        _scope_='mmrazor',
        type='LeanDistill',
        architecture=dict(network(8), _scope_='mmpretrain'),
        teacher=dict(network(14), _scope_='mmpretrain'),
        distiller=dict(
            type='ConfigurableDistiller', student_recorders=fc, teacher_recorders=fc,
            **copy.deepcopy(KD),
        ),
        data_preprocessor=dict(
            type='mmpretrain.ClsDataPreprocessor', mean=[78] * 3, std=[96] * 3
        ),
    )  # fmt: skip


def train(cfg: Config) -> Runner:
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    runner.train()
    return runner


def history(runner: Runner, key: str) -> list[float]:
    """What the message hub has of ``train/loss``, ``val/accuracy/top1`` ..."""
    return runner.message_hub.get_scalar(key).data[0].tolist()


def assert_same_weights(one: Runner, other: Runner) -> None:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
