"""Wrong pictures and teachers, and the words that the line about each must hold.

``{inputs}`` is the folder of the fixture of that name, ``{project}`` the project's.
"""

_TEACHER = 'model.teacher_ckpt={inputs}/'
_DATA = 'train_dataloader.dataset.data_root={inputs}/'
# Overrides of the ImageNet recipe on four classes of pictures.
PICTURES = {
    'foreign keys': (_TEACHER + 'foreign.pth', ['model.teacher_ckpt', 'foreign.pth']),
    'foreign keys, no mcmi': (
        'mcmi=None ' + _TEACHER + 'foreign.pth',
        ['model.teacher_ckpt', 'foreign.pth', 'does not fit'],
    ),
    'missing keys': (_TEACHER + 'missing.pth', ['missing.pth', '9 missing']),
    'extra keys': (_TEACHER + 'extra.pth', ['1 foreign (backbone.extra.weight)']),
    'of a distillation': (
        _TEACHER + 'distillation.pth',
        ['distillation.pth is of a distillation', 'say student://'],
    ),
    'student of no distillation': (
        'model.teacher_ckpt=student://{inputs}/good.pth',
        ['good.pth holds no weights under architecture.'],
    ),
    'number of classes': (
        _TEACHER + 'five_classes.pth',
        ['5 classes in the file, 4 in the config', 'model.teacher.head.num_classes'],
    ),
    'runs code': (_TEACHER + 'runs_code.pth', ['runs_code.pth', 'could run code']),
    'text': (_TEACHER + 'text.pth', ['text.pth', 'is not a checkpoint']),
    'cut short': (_TEACHER + 'cut.pth', ['cut.pth', 'cut short']),
    'no such file': (_TEACHER + 'none.pth', ['none.pth', 'model.teacher_ckpt=PATH']),
    'unknown name': (
        'model.teacher_ckpt=torchvision://resnet35',
        ['resnet35', 'model.teacher_ckpt=PATH'],
    ),
    'NaN logits': (_TEACHER + 'nan.pth', ['NaN', 'check the checkpoint']),
    'no teacher': ('model.teacher_ckpt=None', ['teacher_ckpt', 'mcmi.mll_epochs']),
    'no teacher, no mcmi': (
        'model.teacher_ckpt=None mcmi=None',
        ['model.teacher_ckpt', 'random'],
    ),
    'student for a teacher': (
        'model.teacher_ckpt=None mcmi=None load_from={inputs}/student.pth',
        ['model.teacher_ckpt', 'random', 'student.pth holds none'],
    ),
    'load_from of another network': (
        'load_from={inputs}/foreign.pth mcmi=None',
        ['load_from: ', 'foreign.pth does not fit', 'missing', 'foreign'],
    ),
    'load_from of nothing': (
        'load_from={inputs}/none.pth mcmi=None',
        ['none.pth', 'no such checkpoint file'],
    ),
    'init_cfg of another network': (
        'model.teacher_ckpt=None mcmi=None model.init_cfg.type=Pretrained '
        'model.init_cfg.checkpoint={inputs}/foreign.pth',
        ['model.init_cfg: ', 'foreign.pth', 'holds no weight'],
    ),
    'init_cfg of the backbone alone': (
        'model.teacher_ckpt=None mcmi=None '
        'model.teacher.backbone.init_cfg.type=Pretrained '
        'model.teacher.backbone.init_cfg.checkpoint={inputs}/good.pth',
        ['model.teacher.backbone.init_cfg: ', 'good.pth', 'head.fc', 'random'],
    ),
    'class without a sample': (_DATA + 'no_emu', ['emu (2)', 'centroid']),
    'fewer outputs than classes': (
        'model.teacher.head.num_classes=3',
        ['model.teacher.head.num_classes=3', 'has 4 classes'],
    ),
    'label out of range': (
        'train_dataloader.dataset.ann_file={inputs}/wrong_label.txt '
        'train_dataloader.dataset.data_prefix={inputs}/good/train',
        ['ann_file', 'wrong_label.txt, line 4: label 7 is not in [0, 4)'],
    ),
    'no data': (_DATA + 'nowhere', ['nowhere', 'train_dataloader.dataset.data_root=']),
    'no train folder': (_DATA + 'no_train', ['no_train/train', 'data_root=']),
    'empty data': (_DATA + 'empty', ['empty/train is empty', 'data_root=']),
    'data is a file': (_DATA + 'file', ['file', 'train_dataloader.dataset.data_root=']),
    'class folders': (
        'train_dataloader.dataset.metainfo.classes=cat,dog',
        ['4 class folders', 'not 2', 'train_dataloader.dataset.metainfo.classes='],
    ),
    'class names in another order': (
        'train_dataloader.dataset.metainfo.classes=dog,cat,emu,fox',
        ['train_dataloader.dataset.metainfo.classes=cat,dog,emu,fox', "'dog'"],
    ),
    'pictures passed over': (
        _DATA + 'webp',
        ['4 .webp', "'train_dataloader.dataset.extensions=[.jpg,.webp]'"],
    ),
    'pictures side by side': (
        _DATA + 'side_by_side',
        ['no class folders in', 'train_dataloader.dataset.ann_file=FILE'],
    ),
    'no validation data': (
        'val_dataloader.dataset.data_root={inputs}/nowhere',
        ['val_dataloader.dataset.data_root=', 'nowhere'],
    ),
    'picture that is none': (
        _DATA + 'text_as_picture',
        ['text_as_picture/train/dog/0.jpg', 'picture'],
    ),
    'empty picture': (
        _DATA + 'empty_picture',
        ['empty_picture/train/dog/0.jpg', 'cannot be read as a picture'],
    ),
    'no label file': (
        'train_dataloader.dataset.ann_file=none.txt',
        ['none.txt', 'check the path'],
    ),
    'label file without labels': (
        'train_dataloader.dataset.ann_file={inputs}/no_label.txt',
        ['train_dataloader.dataset', 'no_label.txt'],
    ),
    'label that is no number': (
        'train_dataloader.dataset.ann_file={inputs}/word_as_label.txt',
        ['word_as_label.txt, line 4', "'fox/0.jpg cat' is not"],
    ),
    'trainable teacher': (
        'model.teacher_trainable=True',
        ['model.teacher_trainable', 'False'],
    ),
    'teacher config': ('mcmi.teacher_config=none.py', ['mcmi.teacher_config']),
    'composed already': ('pair.dkd_beta=3', ['pair.dkd_beta', 'model']),
}
