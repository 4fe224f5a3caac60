# Fig. 6: the output space of a teacher with a low and with a high CMI.
#
#   python tools/study.py configs/study/fig6_tsne.py --scale small
#
# Only teachers are looked at: the student is trained for a single epoch.

from mcmi_plugin.study.shorthand import CIFAR10

study = dict(
    exhibit='Fig. 6',
    title='output space of teachers',
    scales=dict(
        smoke=dict(
            config='_base_/digits_kd.py',
            seeds=1,
            options={'mcmi.mll_epochs': 1, 'mcmi.epochs': 1}),
        small=dict(config='_base_/digits_kd.py', seeds=1),
        medium=dict(seeds=1, options=CIFAR10),
        paper=dict(seeds=1, options=dict(pair='r56_r20_cifar10', method='kd'))),
    arms={
        'MLL': {
            'mcmi.form': 'none', 'mcmi.lmda': None, 'train_cfg.max_epochs': 1},
        'lambda = 0': {'mcmi.lmda': 0.0, 'train_cfg.max_epochs': 1},
        'MCMI': {'train_cfg.max_epochs': 1},
    },
    baseline='MLL',
    control='lambda = 0',
    measures=['teacher_cmi', 'teacher_accuracy', 'output_probabilities'],
    figures=[
        dict(
            type='scatter_tsne', arms=['MLL', 'lambda = 0', 'MCMI'], title='Fig. 6'),
    ],
    note='the paper does not say how its two networks were trained')
del CIFAR10
