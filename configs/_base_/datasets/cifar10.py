# CIFAR-10 in data/cifar10, prepared as CIFAR-100. RepDistiller has no CIFAR-10:
# mean and standard deviation are those of the training set's pixels.
_base_ = './cifar100.py'

cifar10 = dict(dataset=dict(type='CIFAR10', data_root='data/cifar10'))
data_preprocessor = dict(
    num_classes=10,
    mean=[255 * mean for mean in (0.4914, 0.4822, 0.4465)],
    std=[255 * std for std in (0.2470, 0.2435, 0.2616)])
train_dataloader = cifar10
val_dataloader = cifar10
test_dataloader = cifar10
del cifar10  # a name of this file, no key of the config
