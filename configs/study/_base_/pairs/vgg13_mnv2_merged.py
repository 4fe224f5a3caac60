# Two classes made of several, for teacher and student alike (section A.13).
_base_ = '../../../_base_/pairs/vgg13_mnv2.py'


def merged(dataset):
    return dict(_delete_=True, type='MergeClasses', groups={}, dataset=dataset)


data_preprocessor = dict(num_classes=2)
train_dataloader = dict(dataset=merged(_base_.train_dataloader.dataset))
val_dataloader = dict(dataset=merged(_base_.val_dataloader.dataset))
test_dataloader = dict(dataset=merged(_base_.test_dataloader.dataset))
del merged  # a config holds values only

# No published teacher has two classes.
pair = dict(num_classes=2, teacher_ckpt=None, mcmi=dict(mll_epochs=240))
