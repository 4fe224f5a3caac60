# ResNet-50 -> MobileNetV2 on ImageNet (Table 2): KD from an MCMI teacher.
#
#   python tools/train.py configs/mcmi/r50_mnv2_imagenet.py
#
# The paper's figures, not ours: teacher 76.13 -> 74.94 % top-1, CMI 0.6002 ->
# 0.7150 nats; student 70.50 % from the MLL teacher, 71.10 % from the MCMI teacher.
_base_ = [
    'mmpretrain::_base_/models/mobilenet_v2_1x.py',
    '../_base_/imagenet.py',
    '../_base_/methods/kd.py',
    '../_base_/mcmi_teacher.py',
]

# A.8.1; the optimizer and batch size come from the teacher's published config.
mcmi = dict(
    lmda=0.15,
    epochs=10,
    teacher_config='mmpretrain::resnet/resnet50_8xb32_in1k.py')

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
        backbone=dict(type='ResNet', depth=50),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=1000, in_channels=2048)),
    # The paper's teacher is PyTorch's (V1). mmpretrain's own would be
    # https://download.openmmlab.com/mmclassification/v0/resnet/resnet50_8xb32_in1k_20210831-ea4938fc.pth
    teacher_ckpt='torchvision://resnet50',
    distiller=_base_.distiller)
