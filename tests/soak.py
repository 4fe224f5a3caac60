# 20,000 iterations of small networks, validated every epoch, saved every fifth.
_base_ = ['shaken_quickstart.py']


def perceptron(width, ce_weight):
    return dict(
        backbone=dict(_delete_=True, type='MLP', widths=[192, width]),
        neck=None,
        head=dict(in_channels=width, loss=dict(loss_weight=ce_weight)),
    )


model = dict(teacher=perceptron(64, 1.0), architecture=perceptron(32, 0.1))
del perceptron
train_cfg = dict(max_epochs=625, val_interval=1)  # of 32 iterations
param_scheduler = dict(T_max=625)
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=2, save_best='auto'))
