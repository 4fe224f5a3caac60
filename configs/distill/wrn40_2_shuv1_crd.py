# WRN-40-2 -> ShuffleNetV1 on CIFAR-100 (Table 1): CRD from an MCMI teacher.
_base_ = ['../_base_/pairs/wrn40_2_shuv1.py', '../_base_/methods/crd.py']

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
mcmi = _base_.pair.mcmi
