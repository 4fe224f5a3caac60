# ResNet-34 -> ResNet-18 on ImageNet (Table 2): ReviewKD from an MCMI teacher.
#
#   python tools/train.py configs/mcmi/r34_r18_reviewkd_imagenet.py
#
# The paper's figures, not ours: teacher 73.31 -> 71.62 % top-1, CMI 0.7203 ->
# 0.8650 nats; student 71.61 % from the MLL teacher, 71.98 % from the MCMI teacher.
_base_ = [
    '../_base_/pairs/r34_r18_imagenet.py',
    '../_base_/methods/reviewkd_imagenet.py',
]

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
mcmi = _base_.pair.mcmi
