# Scikit-learn's handwritten digits: 1,000 images to train on, 797 to test on.
data_preprocessor = dict(
    type='mmpretrain.ClsDataPreprocessor',
    num_classes=10,
    mean=[77.85] * 3,
    std=[95.89] * 3,
    to_rgb=False)

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    dataset=dict(
        type='Digits', split='train', pipeline=[dict(type='PackInputs')]),
    sampler=dict(type='DefaultSampler', shuffle=True))

val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    dataset=dict(
        type='Digits', split='test', pipeline=[dict(type='PackInputs')]),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, ))

test_dataloader = val_dataloader
test_evaluator = val_evaluator
