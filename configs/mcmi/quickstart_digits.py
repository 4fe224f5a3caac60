# The whole way in one command, on real images and without a download: train a
# teacher by maximum log-likelihood, fine-tune it by MCMI, distil a student.
#
#   python tools/train.py configs/mcmi/quickstart_digits.py
_base_ = [
    'mmpretrain::_base_/default_runtime.py',
    '../_base_/datasets/digits.py',
    '../_base_/methods/kd.py',
    '../_base_/mcmi_teacher.py',
]

# There is no pre-trained teacher to start from: mll_epochs trains one first. The
# control is the same fine-tune with lambda = 0, for the table.
mcmi = dict(lmda=0.25, epochs=10, mll_epochs=15, control=True)


def classifier(width, ce_weight=1.0):
    return dict(
        _scope_='mmpretrain',
        type='ImageClassifier',
        backbone=dict(
            type='ResNet_CIFAR', depth=18, stem_channels=width, base_channels=width),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='LinearClsHead',
            num_classes=10,
            in_channels=8 * width,
            loss=dict(type='CrossEntropyLoss', loss_weight=ce_weight)))


model = dict(
    _scope_='mmrazor',
    type='SingleTeacherDistill',
    teacher=classifier(width=16),
    architecture=classifier(width=8, ce_weight=0.1),
    distiller=_base_.distiller)
del classifier  # a config holds values only

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=20, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=1)
val_cfg = dict(type='mmrazor.SingleTeacherDistillValLoop')
test_cfg = dict()

default_hooks = dict(
    logger=dict(interval=32), checkpoint=dict(max_keep_ckpts=2))
randomness = dict(seed=0)
