# The quick start with everything random: crops, flips and stochastic depth.
_base_ = ['../configs/mcmi/quickstart_digits.py']

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='RandomCrop', crop_size=8, padding=1),
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackInputs'),
        ]
    )
)
model = dict(
    teacher=dict(
        backbone=dict(base_channels=4, stem_channels=4, drop_path_rate=0.3),
        head=dict(in_channels=32),
    ),
    architecture=dict(
        backbone=dict(base_channels=4, stem_channels=4, drop_path_rate=0.3),
        head=dict(in_channels=32),
    ),
)
mcmi = dict(epochs=2, mll_epochs=2, control=False)
train_cfg = dict(max_epochs=3)
param_scheduler = dict(T_max=3)
