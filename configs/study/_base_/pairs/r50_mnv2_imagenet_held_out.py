# The pair of Table 2, with a part of the training set held out to choose by.
_base_ = '../../../_base_/pairs/r50_mnv2_imagenet.py'

from mcmi_study.shorthand import held_out

train_dataloader, val_dataloader = held_out(_base_, fraction=0.05)
