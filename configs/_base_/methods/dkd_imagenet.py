# DKD as mdistiller has it on ImageNet: T = 1, and a warm-up of one epoch counted
# from 1, which is none.
_base_ = './dkd.py'

method = dict(losses=dict(loss_dkd=dict(tau=1)))
custom_hooks = []
