# Distillation of a small ResNet on scikit-learn's digits, for studies in minutes.
# A fifth of the training set is held out, class by class: lambda, temperature and
# stopping are chosen on it. The test set is for the figures alone.
_base_ = [
    'mmpretrain::_base_/default_runtime.py',
    '../../_base_/datasets/digits.py',
    '../../_base_/methods/kd.py',
]

from mcmi_study.shorthand import held_out

custom_imports = dict(imports=['mcmi_plugin'])
fast = True

mcmi = dict(lmda=0.15, epochs=10, mll_epochs=15)


def classifier(width, ce_weight=1.0):
    return dict(
        _scope_='mmpretrain',
        type='ImageClassifier',
        backbone=dict(
            type='ResNet_CIFAR',
            depth=18,
            stem_channels=width,
            base_channels=width,
            # Maps of 2 x 2 at the end: of a batch of one image, which a part of the
            # data can leave over, batch norm could not normalise 1 x 1.
            strides=(1, 2, 2, 1)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='LinearClsHead',
            num_classes=10,
            in_channels=8 * width,
            loss=dict(type='CrossEntropyLoss', loss_weight=ce_weight)))


model = dict(
    _scope_='mmrazor',
    type='SingleTeacherDistill',
    teacher=classifier(width=8),
    architecture=classifier(width=4, ce_weight=0.1),
    distiller=_base_.distiller)

train_dataloader, val_dataloader = held_out(_base_, fraction=0.2)
del classifier  # a config holds values only

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=20, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=20)
val_cfg = dict()
test_cfg = dict()

default_hooks = dict(
    logger=dict(interval=25), checkpoint=dict(interval=20, max_keep_ckpts=1))
randomness = dict(seed=0)
