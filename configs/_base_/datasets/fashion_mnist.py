# Fashion-MNIST in data/fashion_mnist, packed or not, or where torchvision has put it
# below that folder: 60,000 + 10,000 grey images of 28 x 28, so a network of these has
# in_channels=1. Debian's package dataset-fashion-mnist has it as well:
#
#   --cfg-options train_dataloader.dataset.data_root=/usr/share/datasets/fashion-mnist
#       (and val_dataloader, test_dataloader)
#
# Mean and standard deviation are those of the training set's pixels.
data_preprocessor = dict(
    type='mmpretrain.ClsDataPreprocessor',
    num_classes=10,
    mean=[72.94],
    std=[90.02],
    to_rgb=False)

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    dataset=dict(
        type='FashionMNIST',
        data_root='data/fashion_mnist',
        split='train',
        pipeline=[
            dict(type='RandomCrop', crop_size=28, padding=2),
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackInputs'),
        ]),
    sampler=dict(type='DefaultSampler', shuffle=True))

val_dataloader = dict(
    batch_size=256,
    num_workers=2,
    dataset=dict(
        type='FashionMNIST',
        data_root='data/fashion_mnist',
        split='test',
        pipeline=[dict(type='PackInputs')]),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, ))

test_dataloader = val_dataloader
test_evaluator = val_evaluator
