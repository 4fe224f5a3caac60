# A fraction of every class is labelled. The teacher is trained on it and labels the
# rest for the student (section A.9); both have the same labelled samples.
_base_ = 'r20_r8_digits.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PseudoLabelled',
        labelled_fraction=1.0,
        dataset=_base_.train_dataloader.dataset))
custom_hooks = [dict(type='PseudoLabelHook')]
pair = dict(
    mcmi=dict(
        dataset=dict(
            type='ClassFraction',
            fraction=1.0,
            dataset=_base_.train_dataloader.dataset)))
