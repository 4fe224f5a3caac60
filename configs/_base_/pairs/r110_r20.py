# ResNet-110 -> ResNet-20 on CIFAR-100 (Table 1).
_base_ = ['../datasets/cifar100.py', '../schedules/cifar_240e.py']

pair = dict(
    teacher='{{ fileDirname }}/../models/cifar/resnet110.py',
    student='{{ fileDirname }}/../models/cifar/resnet20.py',
    teacher_ckpt='checkpoints/cifar100/resnet110.pth',
    mcmi=dict(  # A.8.1, Table 6
        lmda=0.10,
        epochs=20,
        teacher_config='{{ fileDirname }}/../schedules/cifar_240e.py'),
    dkd_beta=2.0,  # no source; as ResNet-56 - ResNet-20
    reviewkd_weight=1.0)  # no source; as ResNet-110 - ResNet-32
