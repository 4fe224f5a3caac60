# ruff: noqa: E402
# mypy: ignore-errors
# The real run of tools/gpu_check.sh: CIFAR-10 in class folders, a ResNet-56 trained,
# fine-tuned by MCMI and distilled to a ResNet-20, in a few epochs each. It shows that
# the whole way works on a GPU and how long it takes, not what the method can.
_base_ = [
    '../configs/_base_/pairs/r56_r20_cifar10.py',
    '../configs/_base_/methods/kd.py',
]

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
model['teacher_ckpt'] = None
mcmi = dict(
    lmda=0.1,
    mll_epochs=10,
    epochs=3,
    control=False,
    teacher_config=_base_.pair['mcmi']['teacher_config'],
)
fast = dict(graph=True)


def folder(split, augmentation):
    return dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/cifar10_folders',
        data_prefix=split,
        pipeline=[
            dict(type='LoadImageFromFile'),
            *augmentation,
            dict(type='PackInputs'),
        ],
    )


augmentation = [
    dict(type='RandomCrop', crop_size=32, padding=4),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
]
data_preprocessor = dict(to_rgb=True)  # images are read as BGR
train_dataloader = dict(
    batch_size=128, num_workers=0, dataset=folder('train', augmentation)
)
val_dataloader = dict(num_workers=0, dataset=folder('val', []))
test_dataloader = val_dataloader
del folder, augmentation  # a config holds values only
train_cfg = dict(max_epochs=20, val_interval=5)
param_scheduler = dict(_delete_=True, type='CosineAnnealingLR', T_max=20, by_epoch=True)
