# The pair of Table 1, with a part of the training set held out to choose lambda by.
_base_ = '../../../_base_/pairs/r50_mnv2.py'


def part(name, pipeline):
    return dict(
        _delete_=True,
        type='HoldOut',
        fraction=0.1,
        part=name,
        dataset=dict(_base_.train_dataloader.dataset, pipeline=pipeline))


train_dataloader = dict(
    dataset=part('train', _base_.train_dataloader.dataset.pipeline))
val_dataloader = dict(
    dataset=part('held_out', _base_.val_dataloader.dataset.pipeline))
del part  # a config holds values only
