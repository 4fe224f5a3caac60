# CIFAR-100 in data/cifar100, prepared as in RepDistiller, whose teachers were
# trained so: random crops of the image padded by 4 pixels, random flips.
data_preprocessor = dict(
    type='mmpretrain.ClsDataPreprocessor',
    num_classes=100,
    mean=[255 * mean for mean in (0.5071, 0.4867, 0.4408)],
    std=[255 * std for std in (0.2675, 0.2565, 0.2761)],
    to_rgb=False)  # the images are RGB already

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    dataset=dict(
        type='CIFAR100',
        data_root='data/cifar100',
        split='train',
        pipeline=[
            dict(type='RandomCrop', crop_size=32, padding=4),
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackInputs'),
        ]),
    sampler=dict(type='DefaultSampler', shuffle=True))

val_dataloader = dict(
    batch_size=256,
    num_workers=2,
    dataset=dict(
        type='CIFAR100',
        data_root='data/cifar100',
        split='test',
        pipeline=[dict(type='PackInputs')]),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, ))

test_dataloader = val_dataloader
test_evaluator = val_evaluator
