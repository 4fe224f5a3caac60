# ResNet-20 on CIFAR-100 without a teacher: the row "Student" of Table 1, and the
# way to train a teacher of one's own. Networks of 0.01: see _base_/schedules.
_base_ = [
    '../_base_/models/cifar/resnet20.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar_240e.py',
]
