# ResNet-20 on CIFAR-100 without a teacher: the row "Student" of Table 1, and the way
# to a teacher of one's own. MobileNetV2 and the ShuffleNets start at 0.01:
# optim_wrapper = dict(optimizer=dict(lr=0.01)).
_base_ = [
    '../_base_/models/cifar/resnet20.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/cifar_240e.py',
]
