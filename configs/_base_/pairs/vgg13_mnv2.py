# VGG-13 -> MobileNetV2 on CIFAR-100 (Table 1).
_base_ = ['../datasets/cifar100.py', '../schedules/cifar_240e.py']

pair = dict(
    teacher='{{ fileDirname }}/../models/cifar/vgg13.py',
    student='{{ fileDirname }}/../models/cifar/MobileNetV2.py',
    teacher_ckpt='checkpoints/cifar100/vgg13.pth',
    mcmi=dict(  # A.8.1, Table 6
        lmda=0.20,
        epochs=20,
        teacher_config='{{ fileDirname }}/../schedules/cifar_240e.py'),
    dkd_beta=6.0,  # mdistiller
    reviewkd_weight=8.0)  # no source; as ResNet-50 - MobileNetV2

optim_wrapper = dict(optimizer=dict(lr=0.01))
