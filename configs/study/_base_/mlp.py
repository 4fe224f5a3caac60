# The MLP of section A.6, as a network that a pair can name.
model = dict(
    _scope_='mmpretrain',
    type='ImageClassifier',
    backbone=dict(type='MLP', widths=[30, 128, 128]),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=128,
        init_cfg=[],  # PyTorch's initialisation, as in the backbone
        loss=dict(type='CrossEntropyLoss')))
