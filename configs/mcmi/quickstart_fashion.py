# The quick start on Fashion-MNIST, the smallest real set on which a teacher's CMI is
# not nought: a tenth of its training and a fifth of its test images, minutes on two
# cores.
#
#   python tools/train.py configs/mcmi/quickstart_fashion.py
#
# Its four files lie in data/fashion_mnist, packed or not, or below it where torchvision
# puts them.
_base_ = [
    'mmpretrain::_base_/default_runtime.py',
    '../_base_/datasets/fashion_mnist.py',
    '../_base_/methods/kd.py',
    '../_base_/mcmi_teacher.py',
]

fast = True
mcmi = dict(lmda=0.1, epochs=5, mll_epochs=10, control=True)


def part(loader, fraction):
    return dict(
        dataset=dict(
            _delete_=True,
            type='ClassFraction',
            fraction=fraction,
            dataset=loader.dataset))


train_dataloader = part(_base_.train_dataloader, 0.1)
val_dataloader = part(_base_.val_dataloader, 0.2)
test_dataloader = val_dataloader


def classifier(width, ce_weight=1.0):
    return dict(
        _scope_='mmpretrain',
        type='ImageClassifier',
        backbone=dict(
            type='ResNet_CIFAR',
            depth=18,
            in_channels=1,
            stem_channels=width,
            base_channels=width),
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
del classifier, part  # a config holds values only

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=10, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=10, val_interval=1)
val_cfg = dict(type='mmrazor.SingleTeacherDistillValLoop')
test_cfg = dict()

default_hooks = dict(
    logger=dict(interval=50), checkpoint=dict(max_keep_ckpts=2))
randomness = dict(seed=0)
