# HSAKD's first stage, see ../_base_/methods/hsakd.py: auxiliary classifiers for the
# finished teacher of model.pretrained, an MLL or an MCMI teacher.
_base_ = [
    '../_base_/models/cifar/ResNet50.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/hsakd_teacher_100e.py',
]

model = dict(
    type='AuxiliaryImageClassifier',
    auxiliary_only=True,
    pretrained='checkpoints/cifar100/ResNet50.pth')
