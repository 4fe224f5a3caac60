"""Wrong inputs, and the words that the one line about each must hold.

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
        ['label 7 is not in [0, 4)', 'num_classes'],
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
        ['train_dataloader.dataset', "'cat'", 'word_as_label.txt'],
    ),
    'trainable teacher': (
        'model.teacher_trainable=True',
        ['model.teacher_trainable', 'False'],
    ),
    'teacher config': ('mcmi.teacher_config=none.py', ['mcmi.teacher_config']),
    'composed already': ('pair.dkd_beta=3', ['pair.dkd_beta', 'model']),
}

_LOSS = 'model.distiller.distill_losses.loss_kd.'
_RECORDER = 'model.distiller.student_recorders.fc.'

# Overrides of a small digits recipe, nothing of which gets as far as a training.
DIGITS = {
    'lmda negative': ('mcmi.lmda=-0.1', ['mcmi.lmda=-0.1', '0 or more']),
    'lmda infinite': ('mcmi.lmda=inf', ['mcmi.lmda=inf', 'finite']),
    'lmda NaN': ('mcmi.lmda=nan', ['mcmi.lmda=nan', 'finite']),
    'lmda no number': ('mcmi.lmda=high', ["mcmi.lmda='high'", 'finite number']),
    'epochs': ('mcmi.epochs=0', ['mcmi.epochs=0', 'from 1 on']),
    'mll_epochs': ('mcmi.mll_epochs=1.5', ['mcmi.mll_epochs=1.5', 'whole number']),
    'lr_factor': ('mcmi.lr_factor=0', ['mcmi.lr_factor=0', 'above 0']),
    'teacher seed': ('mcmi.seed=-1', ['mcmi.seed=-1', 'from 0 on']),
    'control': ('mcmi.control=maybe', ["mcmi.control='maybe'", 'True, False']),
    'misspelt option': ('mcmi.lamda=0.1', ['mcmi.lamda', 'mcmi.lmda']),
    'unknown choice': ('mcmi.on_cliff=jump', ['mcmi.on_cliff', 'warn, stop']),
    'centroid mode': ('mcmi.centroid_mode=test', ['mcmi.centroid_mode', 'eval, train']),
    'teacher dir': ('mcmi.teacher_dir={inputs}/file/t', ['mcmi.teacher_dir']),
    'work dir': ('--work-dir {inputs}/file/run', ['work_dir', '--work-dir DIR']),
    'no model': ('model=None', ['model is not set']),
    'max_epochs 0': ('train_cfg.max_epochs=0', ['train_cfg.max_epochs=0', 'from 1 on']),
    'max_epochs a word': (
        'train_cfg.max_epochs=three',
        ["train_cfg.max_epochs='three'", 'whole number'],
    ),
    'val_interval': ('train_cfg.val_interval=0', ['train_cfg.val_interval=0']),
    'batch size': (
        'train_dataloader.batch_size=0',
        ['train_dataloader.batch_size=0', 'from 1 on'],
    ),
    'workers': (
        'val_dataloader.num_workers=-1',
        ['val_dataloader.num_workers=-1', 'from 0 on'],
    ),
    'rate': (
        'optim_wrapper.optimizer.lr=-0.1',
        ['optim_wrapper.optimizer.lr=-0.1', 'above 0'],
    ),
    'momentum': (
        'optim_wrapper.optimizer.momentum=1.5',
        ['optim_wrapper.optimizer.momentum=1.5', '[0, 1)'],
    ),
    'seed': ('randomness.seed=x', ["randomness.seed='x'", 'whole number']),
    'temperature': (_LOSS + 'tau=0', [_LOSS + 'tau=0', 'above 0']),
    'log interval': ('default_hooks.logger.interval=0', ['logger.interval=0']),
    'depth': (
        'model.architecture.backbone.depth=19',
        ['model.architecture.backbone', 'depth 19'],
    ),
    'classes of the student': (
        'model.architecture.head.num_classes=5',
        ['model.architecture.head.num_classes=5', 'Digits', 'num_classes=10'],
    ),
    'head left at 1000': (
        'model.architecture.head.num_classes=1000',
        ['architecture.head.num_classes=1000', 'class by class', 'num_classes=10'],
    ),
    'channels of the student': (
        'model.architecture.backbone.in_channels=1',
        ['model.teacher takes images of 3 channels', 'in_channels=1 of the teacher'],
    ),
    'no fraction': ('data_fraction=0', ['data_fraction=0', 'above 0 and at most 1']),
    'too small a fraction': (
        'data_fraction=0.001',
        ['fraction=0.001', 'no sample of class', 'the smallest fraction'],
    ),
    'unknown split': ('train_dataloader.dataset.split=tset', ["'tset'", "'train'"]),
    'misspelt loader': (
        'train_dataloder.batch_size=4',
        ['train_dataloder', 'did you mean train_dataloader?'],
    ),
    'misspelt optim_wrapper': (
        'optim_wraper.optimizer.lr=0.1',
        ['optim_wraper', 'did you mean optim_wrapper?'],
    ),
    'misspelt default hook': (
        'default_hooks.loger.interval=5',
        ['default_hooks.loger', 'default_hooks.logger?'],
    ),
    'default hook that is none': (
        'default_hooks.loger=None',
        ['default_hooks.loger=None', 'logger'],
    ),
    'interval of checkpoints': (
        'default_hooks.checkpoint.interval=-2',
        ['default_hooks.checkpoint.interval=-2', '-1 for never'],
    ),
    'misspelt key of the loop': (
        'train_cfg.max_epoch=3',
        ['train_cfg.max_epoch ', 'train_cfg.max_epochs?'],
    ),
    'misspelt key of a loader': (
        'train_dataloader.batch_sise=3',
        ['train_dataloader.batch_sise', 'train_dataloader.batch_size?'],
    ),
    'misspelt key that has a default': (
        'train_dataloader.drop_lst=True',
        ['train_dataloader.drop_lst', 'train_dataloader.drop_last?'],
    ),
    'misspelt key of a network': (
        'model.architecture.backbone.dpeth=18',
        ['backbone.dpeth', 'model.architecture.backbone.depth?'],
    ),
    'misspelt key of the optimizer': (
        'optim_wrapper.optimizer.LR=0.1',
        ['optim_wrapper.optimizer.LR', 'optim_wrapper.optimizer.lr?'],
    ),
    'misspelt argument of a loss': (
        'model.distiller.loss_forward_mappings.loss_kd.preds_X.recorder=fc',
        ['model.distiller', 'preds_X', 'KLDivergence'],
    ),
    'model type': (
        'model.type=SingleTeacherDistil',
        ['model.type', 'closest: SingleTeacherDistill'],
    ),
    'classifier type': (
        'model.teacher.type=ImageClasifier',
        ['model.teacher.type', 'closest: ImageClassifier'],
    ),
    'backbone type': (
        'model.architecture.backbone.type=ResNet_CIFR',
        ['model.architecture.backbone.type', 'closest: ResNet_CIFAR'],
    ),
    'loss type': (_LOSS + 'type=KLDivergance', [_LOSS + 'type', 'KLDivergence']),
    'recorder type': (_RECORDER + 'type=ModuleOutput', [_RECORDER, 'ModuleOutputs']),
    'recorder source': (
        _RECORDER + 'source=head.fk',
        [_RECORDER + 'source', "'head.fk'", 'closest: head.fc'],
    ),
    'data set type': (
        'train_dataloader.dataset.type=Digit',
        ['train_dataloader.dataset.type', 'closest: Digits'],
    ),
    'transform type': (
        'train_dataloader.dataset.pipeline.0.type=RandomCrp',
        ['train_dataloader.dataset.pipeline.0.type', 'closest: RandomCrop'],
    ),
    'sampler type': (
        'train_dataloader.sampler.type=DefaultSample',
        ['train_dataloader.sampler.type', 'closest: DefaultSampler'],
    ),
    'optimizer type': (
        'optim_wrapper.optimizer.type=SGB',
        ['optim_wrapper.optimizer.type', 'closest: SGD'],
    ),
    'optimizer wrapper type': (
        'optim_wrapper.type=OptimWraper',
        ['optim_wrapper.type', 'closest: OptimWrapper'],
    ),
    'scheduler type': (
        'param_scheduler.type=CosineAnealingLR',
        ['param_scheduler.type', 'closest: CosineAnnealingLR'],
    ),
    'metric type': (
        'val_evaluator.type=Acuracy',
        ['val_evaluator.type', 'closest: Accuracy'],
    ),
    'loop type': (
        'val_cfg.type=mmrazor.SingleTeacherDistilValLoop',
        ['val_cfg.type', 'SingleTeacherDistillValLoop'],
    ),
    'hook type': (
        'default_hooks.checkpoint.type=CheckpointHok',
        ['default_hooks.checkpoint.type', 'closest: CheckpointHook'],
    ),
    'scope': ('default_scope=mmpretran', ['default_scope=mmpretran']),
    'hooks that are no list': ('custom_hooks.0.type=EMAHook', ['custom_hooks']),
    'no training set': ('train_dataloader=None', ['train_dataloader is not set']),
    'no validation set': ('val_dataloader=None', ['val_dataloader is not set']),
    'no validation loop': ('val_cfg=None', ['val_cfg is not set', 'val_dataloader']),
    'key below a number': (
        'model.teacher.head.num_classes.x=3',
        ['--cfg-options', 'num_classes'],
    ),
    'launcher': ('--launcher pytorch', ['--launcher pytorch', 'tools/dist_train.sh']),
    'launcher slurm': ('--launcher slurm', ['SLURM_PROCID', 'tools/slurm_train.sh']),
    'launcher mpi': ('--launcher mpi', ['--launcher mpi', 'tools/dist_train.sh']),
    'nothing to scale by': (
        '--auto-scale-lr',
        ['--auto-scale-lr', 'auto_scale_lr.base_batch_size'],
    ),
    'resume from nowhere': ('--resume none.pth', ['none.pth', 'no such checkpoint']),
    'resume from text': ('--resume {inputs}/text.pth', ['is not a checkpoint']),
    'resume from weights': (
        '--resume {inputs}/good.pth',
        ['--resume', 'good.pth', 'no checkpoint of a training', 'epoch_N.pth'],
    ),
    'resume another network': (
        '--resume {inputs}/other_network.pth',
        ['--resume', 'other_network.pth', 'of another network'],
    ),
    'resume from a cut file': ('--resume {inputs}/cut.pth', ['cut.pth', 'cut short']),
    'resume from code': ('--resume {inputs}/runs_code.pth', ['could run code']),
}

_DIGITS_CONFIG = '{project}/tests/shaken_quickstart.py'


def _cifar(folder: str) -> str:
    roots = [
        f'{split}_dataloader.dataset.data_root={{inputs}}/{folder}'
        for split in ('train', 'val', 'test')
    ]
    config = '{project}/configs/distill/r56_r20_kd.py'
    teacher = 'model.teacher_ckpt=None mcmi.mll_epochs=1'
    return f'train.py {config} --cfg-options {teacher} {" ".join(roots)}'


# Whole commands.
COMMANDS = {
    'no config': ('train.py nowhere.py', ['there is no config nowhere.py']),
    'misspelt config': (
        'train.py {project}/configs/mcmi/quickstart_digit.py',
        ['did you mean', 'quickstart_digits.py?'],
    ),
    'config that is no Python': ('train.py {inputs}/broken.py', ['broken.py']),
    'misspelt pair': (
        'train.py {inputs}/misspelt_pair.py',
        ['misspelt_pair.py', 'did you mean', 'r56_r20.py?'],
    ),
    'misspelt word of a method': (
        'train.py {inputs}/misspelt_word.py',
        ['method mine', "'student.logit'"],
    ),
    'no key and value': (
        f'train.py {_DIGITS_CONFIG} --cfg-options mcmi.lmda',
        ['--cfg-options mcmi.lmda', 'KEY=VALUE'],
    ),
    'unknown flag': (f'train.py {_DIGITS_CONFIG} --seed 3', ['--seed']),
    'unknown launcher': (
        f'train.py {_DIGITS_CONFIG} --launcher gloo',
        ["'gloo'", 'pytorch'],
    ),
    'CIFAR that is not there': (
        _cifar('nowhere'),
        ['cifar-100-python.tar.gz', 'train_dataloader.dataset.data_root=DIR'],
    ),
    'CIFAR cut short': (
        _cifar('cifar_cut'),
        ['cifar_cut/cifar-100-python.tar.gz', 'download it again'],
    ),
    'CIFAR that runs code': (
        _cifar('cifar_hostile'),
        ['cifar_hostile/cifar-100-python.tar.gz', 'download it again'],
    ),
    'Fashion-MNIST that is not there': (
        f'train.py {_DIGITS_CONFIG} --cfg-options '
        'train_dataloader.dataset.type=FashionMNIST '
        'train_dataloader.dataset.data_root={inputs}/nowhere',
        ['nowhere/train-images-idx3-ubyte.gz', 'train_dataloader.dataset.data_root='],
    ),
    'test of no file': (f'test.py {_DIGITS_CONFIG} none.pth', ['none.pth', 'no such']),
    'test of a text': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/text.pth',
        ['text.pth', 'is not a checkpoint'],
    ),
    'test of another network': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/good.pth',
        ['good.pth', 'does not fit'],
    ),
    'test of code': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/runs_code.pth',
        ['runs_code.pth', 'could run code'],
    ),
    'figures into no folder': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/good.pth --out no/out.json',
        ['--out no/out.json', 'no such folder'],
    ),
    'test without a test set': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/good.pth '
        '--cfg-options test_dataloader=None',
        ['test_dataloader is not set'],
    ),
    'conversion of no file': (
        f'convert_checkpoint.py none.pth out.pth --config {_DIGITS_CONFIG}',
        ['none.pth', 'no such checkpoint'],
    ),
    'conversion over the source': (
        'convert_checkpoint.py {inputs}/good.pth {inputs}/good.pth '
        f'--config {_DIGITS_CONFIG}',
        ['good.pth', 'name another file'],
    ),
    'conversion with a name that is not there': (
        'convert_checkpoint.py {inputs}/good.pth out.pth --rename nothing.=x. '
        f'--config {_DIGITS_CONFIG}',
        ['--rename nothing.=x.', 'those of the file are'],
    ),
    'conversion of an entry that is not there': (
        'convert_checkpoint.py {inputs}/good.pth out.pth --take ema '
        f'--config {_DIGITS_CONFIG}',
        ['--take ema: there are no weights; there is'],
    ),
    'no number of processes': (
        f'dist_train.sh {_DIGITS_CONFIG}',
        ['PROCESSES', 'usage: bash tools/dist_train.sh'],
    ),
    'processes in words': (
        f'dist_test.sh {_DIGITS_CONFIG} {{inputs}}/good.pth two',
        ['PROCESSES', 'usage: bash tools/dist_test.sh'],
    ),
}
