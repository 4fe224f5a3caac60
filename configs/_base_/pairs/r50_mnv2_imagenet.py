# ResNet-50 -> MobileNetV2 on ImageNet (Table 2). The sources of the last two
# numbers have MobileNetV1, which mdistiller first called V2.
_base_ = '../imagenet.py'

custom_imports = dict(imports=['mcmi_plugin'])  # so that mmengine alone can run it

pair = dict(
    teacher='mmpretrain::_base_/models/resnet50.py',
    student='mmpretrain::_base_/models/mobilenet_v2_1x.py',
    # The paper's teacher is PyTorch's (V1). mmpretrain's own would be
    # https://download.openmmlab.com/mmclassification/v0/resnet/resnet50_8xb32_in1k_20210831-ea4938fc.pth
    teacher_ckpt='torchvision://resnet50',
    mcmi=dict(  # A.8.1; the optimizer is that of the teacher's published config
        lmda=0.15,
        epochs=10,
        teacher_config='mmpretrain::resnet/resnet50_8xb32_in1k.py'),
    dkd_beta=2.0,  # mdistiller
    reviewkd_weight=8.0)  # mdistiller
