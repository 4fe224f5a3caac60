# akamaster's public ResNet-56 -> our ResNet-20 on CIFAR-10.
_base_ = './akamaster_r20_r8.py'

pair = dict(
    teacher='{{ fileDirname }}/../models/akamaster/resnet56.py',
    student='{{ fileDirname }}/../models/cifar/resnet20.py',
    teacher_ckpt='checkpoints/akamaster/resnet56.pth')
