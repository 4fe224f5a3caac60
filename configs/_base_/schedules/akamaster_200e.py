# By which the ResNets of github.com/akamaster/pytorch_resnet_cifar10 were trained:
# SGD from 0.1, batch 128, 200 epochs, a tenth of the rate after epochs 100 and 150.
_base_ = './cifar_240e.py'

optim_wrapper = dict(optimizer=dict(lr=0.1, weight_decay=1e-4))
param_scheduler = dict(milestones=[100, 150])
auto_scale_lr = dict(base_batch_size=128)
train_cfg = dict(max_epochs=200)
