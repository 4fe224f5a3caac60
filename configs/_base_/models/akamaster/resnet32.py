# CIFAR-10's ResNet-32 of github.com/akamaster/pytorch_resnet_cifar10: option A's
# shortcuts. It was trained on pixels from 0 to 1, less (0.485, 0.456, 0.406), over
# (0.229, 0.224, 0.225), in RGB; docs/checkpoints.md has it as data_preprocessor.
_base_ = '../cifar/resnet32.py'
model = dict(backbone=dict(shortcut='A'), head=dict(num_classes=10))
