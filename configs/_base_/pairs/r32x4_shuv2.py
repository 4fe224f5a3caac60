# ResNet-32x4 -> ShuffleNetV2 on CIFAR-100 (Table 1).
_base_ = ['../datasets/cifar100.py', '../schedules/cifar_240e.py']

pair = dict(
    teacher='{{ fileDirname }}/../models/cifar/resnet32x4.py',
    student='{{ fileDirname }}/../models/cifar/ShuffleV2.py',
    teacher_ckpt='checkpoints/cifar100/resnet32x4.pth',
    mcmi=dict(  # A.8.1, Table 6
        lmda=0.15,
        epochs=20,
        teacher_config='{{ fileDirname }}/../schedules/cifar_240e.py'),
    dkd_beta=8.0,  # mdistiller's default
    reviewkd_weight=8.0)  # reviewKD.sh

optim_wrapper = dict(optimizer=dict(lr=0.01))
