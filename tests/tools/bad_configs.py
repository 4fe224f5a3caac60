"""Wrong values and keys of a config, and the words that the line about each must hold.

``{inputs}`` is the folder of the fixture of that name, ``{project}`` the project's.
"""

_LOSS = 'model.distiller.distill_losses.loss_kd.'
_RECORDER = 'model.distiller.student_recorders.fc.'
# Overrides of a small digits recipe, nothing of which gets as far as a training.
DIGITS = {
    'lmda negative': ('mcmi.lmda=-0.1', ['mcmi.lmda=-0.1', '0 or more']),
    'lmda infinite': ('mcmi.lmda=inf', ['mcmi.lmda=inf', 'finite']),
    'lmda NaN': ('mcmi.lmda=nan', ['mcmi.lmda=nan', 'finite']),
    'lmda no number': ('mcmi.lmda=high', ["mcmi.lmda='high'", 'finite number']),
    'teacher_store': ('teacher_store=yes', ["teacher_store='yes'", 'True, False, or']),
    'key of teacher_store': (
        'teacher_store.view=50',
        ['teacher_store.view is no option; did you mean teacher_store.views?'],
    ),
    'dtype of teacher_store': (
        'teacher_store.dtype=float64',
        ["teacher_store.dtype='float64'", 'float16, float32, int8'],
    ),
    'views of teacher_store': (
        'teacher_store.views=0',
        ['teacher_store.views=0', 'whole number from 1 on'],
    ),
    'misspelt teacher_store': (
        'teacher_stor=True',
        ['teacher_stor is read by nothing; did you mean teacher_store?'],
    ),
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
    'no batch in an epoch': (
        'train_dataloader.batch_size=5000 train_dataloader.drop_last=True',
        ['train_dataloader: an epoch has no batch', 'lower batch_size'],
    ),
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
