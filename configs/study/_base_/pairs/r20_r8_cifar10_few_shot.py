# The student has a fraction of every class, the teacher all of them (section 6.3).
_base_ = 'r20_r8_cifar10.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ClassFraction',
        fraction=0.1,
        dataset=_base_.train_dataloader.dataset))
pair = dict(mcmi=dict(dataset=_base_.train_dataloader.dataset))
