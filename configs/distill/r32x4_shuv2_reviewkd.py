# ResNet-32x4 -> ShuffleNetV2 on CIFAR-100 (Table 1): ReviewKD from an MCMI teacher.
_base_ = ['../_base_/pairs/r32x4_shuv2.py', '../_base_/methods/reviewkd.py']

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
mcmi = _base_.pair.mcmi
