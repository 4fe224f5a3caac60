# akamaster's ResNet-20, trained on by log-likelihood until its LL settles: for a copy
# of CIFAR-10 that was compressed once more, and is strange to the public weights.
#
#   python tools/train.py configs/study/_base_/akamaster_r20_mll.py
#
# The studies of the medium scale start from it when it lies where they look:
#
#   cp work_dirs/akamaster_r20_mll/epoch_6.pth checkpoints/cifar10/resnet20_mll.pth
_base_ = [
    '../../_base_/models/akamaster/resnet20.py',
    './pairs/r20_r8_cifar10.py',
]

load_from = 'checkpoints/akamaster/resnet20.pth'
val_evaluator = [dict(type='Accuracy', topk=(1, )), dict(type='CMIMetric')]

# A fifth of the rate that it was trained by, as for an MCMI fine-tune.
optim_wrapper = dict(optimizer=dict(lr=0.02, weight_decay=1e-4))
auto_scale_lr = dict(base_batch_size=128)
param_scheduler = dict(T_max=6)
train_cfg = dict(max_epochs=6, val_interval=1)
default_hooks = dict(
    logger=dict(interval=50), checkpoint=dict(interval=1, max_keep_ckpts=6))
