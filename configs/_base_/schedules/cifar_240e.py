# A.8.2 for CIFAR: SGD from 0.05 (0.01 for MobileNetV2 and the ShuffleNets, which
# their pairs say), batch 64, 240 epochs, a tenth of the rate after epochs 150, 180
# and 210. One recipe for all methods: HSAKD's own code adds Nesterov momentum.
#
# RepDistiller's teachers were trained by it too, so it is the teacher_config of
# the pairs: an MCMI fine-tune starts at a fifth of 0.05, which is what A.8.1 says.
# The authors' release starts at 0.05; mcmi.lr_factor=1.0 does that.
_base_ = 'mmpretrain::_base_/default_runtime.py'

custom_imports = dict(imports=['mcmi_plugin'])  # so that mmengine alone can run it

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[150, 180, 210], gamma=0.1)
auto_scale_lr = dict(base_batch_size=64, enable=True)

train_cfg = dict(by_epoch=True, max_epochs=240, val_interval=1)
# The student alone; MMRazor's loop would measure the frozen teacher every time,
# which costs a tenth of the epoch and never changes.
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(checkpoint=dict(max_keep_ckpts=3))
