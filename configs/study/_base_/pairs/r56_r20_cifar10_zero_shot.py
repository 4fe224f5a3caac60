# The student never sees some classes, the teacher all of them (section 6.2).
_base_ = '../../../_base_/pairs/r56_r20_cifar10.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DropClasses',
        classes=[],
        dataset=_base_.train_dataloader.dataset))
pair = dict(mcmi=dict(dataset=_base_.train_dataloader.dataset))
