# ResNet-34 -> ResNet-18 on ImageNet (Table 2): KD from an MCMI teacher.
#
#   python tools/train.py configs/mcmi/r34_r18_imagenet.py
#
# The paper's figures, not ours: teacher 73.31 -> 71.62 % top-1, CMI 0.7203 ->
# 0.8650 nats; student 71.03 % from the MLL teacher, 71.54 % from the MCMI teacher.
_base_ = [
    'mmpretrain::_base_/models/resnet18.py',
    '../_base_/imagenet.py',
    '../_base_/methods/kd.py',
    '../_base_/mcmi_teacher.py',
]

# A.8.1; the optimizer and batch size come from the teacher's published config.
mcmi = dict(
    lmda=0.1,
    epochs=10,
    teacher_config='mmpretrain::resnet/resnet34_8xb32_in1k.py')

student = _base_.model
student._scope_ = 'mmpretrain'
student.head.loss.loss_weight = 0.1
model = dict(
    _delete_=True,
    _scope_='mmrazor',
    type='SingleTeacherDistill',
    architecture=student,
    teacher=dict(
        _scope_='mmpretrain',
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=34),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=1000, in_channels=512)),
    # The paper's teacher is PyTorch's. mmpretrain's own would be
    # https://download.openmmlab.com/mmclassification/v0/resnet/resnet34_8xb32_in1k_20210831-f257d4e6.pth
    teacher_ckpt='torchvision://resnet34',
    distiller=_base_.distiller)
