# The pair of the medium scale: akamaster's public ResNet-20 -> ResNet-8 on CIFAR-10, a
# tenth of whose training set is held out to choose by. The public teacher has been
# trained on that tenth too, so no epoch or temperature of its own is chosen by it.
# What people call the test images is CIFAR-10H's (github.com/jcpeterson/cifar-10h).
_base_ = '../../../_base_/pairs/akamaster_r20_r8.py'

from mcmi_study.shorthand import held_out

fast = True
people_counts = 'data/cifar10/cifar10h-counts.npy'

train_dataloader, val_dataloader = held_out(_base_, fraction=0.1)

param_scheduler = dict(
    _delete_=True, type='CosineAnnealingLR', T_max=30, by_epoch=True)
train_cfg = dict(max_epochs=30, val_interval=30)
default_hooks = dict(
    logger=dict(interval=25), checkpoint=dict(interval=5, max_keep_ckpts=1))
randomness = dict(seed=0)

# The public one, or where the images are strange to it akamaster_r20_mll.py's.
pair = dict(teacher_ckpt='checkpoints/cifar10/resnet20_mll.pth')
