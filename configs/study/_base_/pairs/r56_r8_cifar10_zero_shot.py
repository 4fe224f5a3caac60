# The same from akamaster's ResNet-56. The public one, or where the images are strange
# to it akamaster_r20_mll.py's, with --cfg-options model.backbone.depth=56
# load_from=checkpoints/akamaster/resnet56.pth (docs/results/zero_shot_cifar10_56: with
# train_cfg.max_epochs=3 param_scheduler.T_max=3 as well).
_base_ = 'r20_r8_cifar10_zero_shot.py'

pair = dict(
    teacher='{{ fileDirname }}/../../../_base_/models/akamaster/resnet56.py',
    teacher_ckpt='checkpoints/cifar10/resnet56_mll.pth')
