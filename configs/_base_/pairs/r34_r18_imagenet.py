# ResNet-34 -> ResNet-18 on ImageNet (Table 2).
_base_ = '../imagenet.py'

custom_imports = dict(imports=['mcmi_plugin'])  # so that mmengine alone can run it

pair = dict(
    teacher='mmpretrain::_base_/models/resnet34.py',
    student='mmpretrain::_base_/models/resnet18.py',
    # The paper's teacher is PyTorch's. mmpretrain's own would be
    # https://download.openmmlab.com/mmclassification/v0/resnet/resnet34_8xb32_in1k_20210831-f257d4e6.pth
    teacher_ckpt='torchvision://resnet34',
    mcmi=dict(  # A.8.1; the optimizer is that of the teacher's published config
        lmda=0.10,
        epochs=10,
        teacher_config='mmpretrain::resnet/resnet34_8xb32_in1k.py'),
    dkd_beta=0.5,  # mdistiller
    reviewkd_weight=1.0)  # mdistiller
