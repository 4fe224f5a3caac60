# Tiny ImageNet at 32 px in data/tiny_imagenet32, {train,val}/CLASS/*.jpg: 200 classes
# that overlap, prepared as CIFAR-100. Larger images are made 32 px. Any folder of small
# images does; then say where it is and how many classes it has. Mean and standard
# deviation are those of the training set's pixels.
_base_ = './cifar100.py'


def folder(split, *random):
    return dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/tiny_imagenet32',
        data_prefix=split,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(32, 32)),
            *random,
            dict(type='PackInputs'),
        ])


data_preprocessor = dict(
    num_classes=200,
    mean=[255 * mean for mean in (0.4806, 0.4486, 0.3983)],
    std=[255 * std for std in (0.2521, 0.2448, 0.2590)],
    to_rgb=True)  # files are read as BGR
train_dataloader = dict(
    dataset=folder(
        'train',
        dict(type='RandomCrop', crop_size=32, padding=4),
        dict(type='RandomFlip', prob=0.5, direction='horizontal')))
val_dataloader = dict(dataset=folder('val'))
test_dataloader = val_dataloader
del folder  # a config holds values only
