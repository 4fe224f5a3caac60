# ResNet-56 -> ResNet-20 on CIFAR-100 (Table 1): HSAKD, after hsakd_teacher_resnet56.
# With which teacher, and why mcmi is not said here: ../_base_/methods/hsakd.py.
_base_ = ['../_base_/pairs/r56_r20.py', '../_base_/methods/hsakd.py']

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
