# ResNet-50 -> VGG-8 on CIFAR-100 (Table 1).
_base_ = ['../datasets/cifar100.py', '../schedules/cifar_240e.py']

pair = dict(
    teacher='{{ fileDirname }}/../models/cifar/ResNet50.py',
    student='{{ fileDirname }}/../models/cifar/vgg8.py',
    teacher_ckpt='checkpoints/cifar100/ResNet50.pth',
    mcmi=dict(  # A.8.1, Table 6
        lmda=0.20,
        epochs=20,
        teacher_config='{{ fileDirname }}/../schedules/cifar_240e.py'),
    dkd_beta=8.0,  # no source; mdistiller's default
    reviewkd_weight=5.0)  # no source; as VGG-13 - VGG-8
