# ResNet-56 -> ResNet-20 on CIFAR-100 (Table 1): KD from an MCMI teacher.
#
#   python tools/train.py configs/distill/r56_r20_kd.py
#
# Any other cell of Table 1 is these lines with another pair and another method.
# The import stands behind _base_, by which mmengine tells the kind of a config.
# For the MLL teacher leave the last line out, or set mcmi=None.
_base_ = ['../_base_/pairs/r56_r20.py', '../_base_/methods/kd.py']

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
mcmi = _base_.pair.mcmi
