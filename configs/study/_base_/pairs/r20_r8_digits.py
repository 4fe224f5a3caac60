# ResNet-20 -> ResNet-8 of the CIFAR zoo on scikit-learn's digits: a pair for
# configs/study/table1.py where there is no CIFAR-100. No weights are published for
# it, so the teacher is trained first.
_base_ = [
    'mmpretrain::_base_/default_runtime.py',
    '../../../_base_/datasets/digits.py',
]

from mcmi_study.shorthand import held_out

custom_imports = dict(imports=['mcmi_plugin'])
fast = True

train_dataloader, val_dataloader = held_out(_base_, fraction=0.2)

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=10, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=10, val_interval=10)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=25), checkpoint=dict(interval=10, max_keep_ckpts=1))
randomness = dict(seed=0)

pair = dict(
    teacher='{{ fileDirname }}/../../../_base_/models/cifar/resnet20.py',
    student='{{ fileDirname }}/../../../_base_/models/cifar/resnet8.py',
    teacher_ckpt=None,
    num_classes=10,
    mcmi=dict(lmda=0.15, epochs=5, mll_epochs=10),
    dkd_beta=2.0,
    reviewkd_weight=0.6)
