# ResNet-50 -> MobileNetV2 on ImageNet (Table 2): ReviewKD from an MCMI teacher.
#
#   python tools/train.py configs/mcmi/r50_mnv2_reviewkd_imagenet.py
#
# The paper's figures, not ours: teacher 76.13 -> 74.94 % top-1, CMI 0.6002 ->
# 0.7150 nats; student 72.56 % from the MLL teacher, 73.00 % from the MCMI teacher.
_base_ = [
    '../_base_/pairs/r50_mnv2_imagenet.py',
    '../_base_/methods/reviewkd_imagenet.py',
]

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
mcmi = _base_.pair.mcmi
