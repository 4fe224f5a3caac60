# The synthetic Gaussian set of section A.6: vectors of 30 numbers whose true BCPD
# is known. 5,000 samples to train on; the paper has num_train=90000.
data_preprocessor = dict(type='mmpretrain.ClsDataPreprocessor', num_classes=10)

synthetic = dict(
    type='SyntheticGaussian',
    delta=1.0,
    sigma=4.0,
    num_train=5000,
    num_val=5000,
    num_test=5000,
    seed=0,
    pipeline=[dict(type='PackInputs')])

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    collate_fn=dict(type='default_collate'),  # mmpretrain's own is for images
    dataset=dict(split='train', **synthetic),
    sampler=dict(type='DefaultSampler', shuffle=True))

# Split off the same draws as the training set, for choosing lambda and stopping.
val_dataloader = dict(
    batch_size=1000,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    dataset=dict(split='val', **synthetic),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='BatchAccuracy', topk=(1, ))

test_dataloader = dict(
    batch_size=1000,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    dataset=dict(split='test', **synthetic),
    sampler=dict(type='DefaultSampler', shuffle=False))
test_evaluator = val_evaluator
del synthetic  # a name of this file, no key of the config
