# The student never sees some classes, the teacher all of them (section 6.2). Of the
# others it sees a fifth, or it would take hours on two cores.
_base_ = 'r20_r8_cifar10.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DropClasses',
        classes=[],
        dataset=dict(
            type='ClassFraction',
            fraction=0.2,
            dataset=_base_.train_dataloader.dataset)))
pair = dict(mcmi=dict(dataset=_base_.train_dataloader.dataset))
