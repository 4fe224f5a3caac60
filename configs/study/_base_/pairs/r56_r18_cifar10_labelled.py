# As r20_r8_digits_labelled.py, on CIFAR-10 with a ResNet-18 as the student. A.9 names
# no teacher; here it is the ResNet-56 of section 6.2, trained on the labelled images.
_base_ = '../../../_base_/pairs/r56_r20_cifar10.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PseudoLabelled',
        labelled_fraction=1.0,
        dataset=_base_.train_dataloader.dataset))
custom_hooks = [dict(type='PseudoLabelHook')]
pair = dict(
    student='mmpretrain::_base_/models/resnet18_cifar.py',
    teacher_ckpt=None,
    mcmi=dict(
        mll_epochs=240,
        dataset=dict(
            type='ClassFraction',
            fraction=1.0,
            dataset=_base_.train_dataloader.dataset)))
