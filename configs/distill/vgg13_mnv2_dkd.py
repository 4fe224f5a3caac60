# VGG-13 -> MobileNetV2 on CIFAR-100 (Table 1): DKD from an MCMI teacher.
_base_ = ['../_base_/pairs/vgg13_mnv2.py', '../_base_/methods/dkd.py']

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
mcmi = _base_.pair.mcmi
