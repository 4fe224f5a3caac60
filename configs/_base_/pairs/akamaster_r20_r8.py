# akamaster's public ResNet-20 -> our ResNet-8 on CIFAR-10.
#
#   python tools/convert_checkpoint.py resnet20-12fca82f.th \
#       checkpoints/akamaster/resnet20.pth \
#       --config configs/_base_/models/akamaster/resnet20.py
_base_ = ['../datasets/cifar10.py', '../schedules/cifar_240e.py']

# As the teachers were trained; RGB already.
data_preprocessor = dict(
    mean=[255 * mean for mean in (0.485, 0.456, 0.406)],
    std=[255 * std for std in (0.229, 0.224, 0.225)])

pair = dict(
    teacher='{{ fileDirname }}/../models/akamaster/resnet20.py',
    student='{{ fileDirname }}/../models/cifar/resnet8.py',
    num_classes=10,
    teacher_ckpt='checkpoints/akamaster/resnet20.pth',
    mcmi=dict(
        lmda=0.25,  # Table 6, of its ResNet-56 on CIFAR-10
        epochs=20,
        teacher_config='{{ fileDirname }}/../schedules/akamaster_200e.py'),
    dkd_beta=2.0,  # no source; as on CIFAR-100
    reviewkd_weight=0.6)  # no source; as on CIFAR-100
