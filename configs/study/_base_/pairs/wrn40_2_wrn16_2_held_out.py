# The pair of Table 1, with a part of the training set held out to choose lambda by.
_base_ = '../../../_base_/pairs/wrn40_2_wrn16_2.py'

from mcmi_study.shorthand import held_out

train_dataloader, val_dataloader = held_out(_base_, fraction=0.1)
