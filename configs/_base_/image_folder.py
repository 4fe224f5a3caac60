# A folder of your own images, {train,val}/CLASS/*.jpg, with the crops and the
# students' schedule of imagenet.py. The classes are the names of the folders; say
# where they are and how many:
#
#   train_dataloader = dict(dataset=dict(data_root='data/my_images'))
#   val_dataloader = test_dataloader = train_dataloader
#   pair = dict(..., num_classes=4)
_base_ = './imagenet.py'


def folder(split, pipeline):
    return dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/my_images',
        data_prefix=split,
        pipeline=pipeline)


data_preprocessor = dict(num_classes=None)  # only read where images are mixed
train_dataloader = dict(dataset=folder('train', _base_.train_pipeline))
val_dataloader = dict(dataset=folder('val', _base_.test_pipeline))
test_dataloader = val_dataloader
del folder  # a config holds values only
val_evaluator = dict(topk=1)  # there may be fewer than five classes
test_evaluator = val_evaluator
