# ResNet-56 -> ResNet-20 on CIFAR-10 (sections 6.2 and 6.3).
_base_ = ['../datasets/cifar10.py', '../schedules/cifar_240e.py']

pair = dict(
    teacher='{{ fileDirname }}/../models/cifar/resnet56.py',
    student='{{ fileDirname }}/../models/cifar/resnet20.py',
    num_classes=10,
    teacher_ckpt='checkpoints/cifar10/resnet56.pth',
    mcmi=dict(  # A.8.1, Table 6
        lmda=0.25,
        epochs=20,
        teacher_config='{{ fileDirname }}/../schedules/cifar_240e.py'),
    dkd_beta=2.0,  # no source; as on CIFAR-100
    reviewkd_weight=0.6)  # no source; as on CIFAR-100
