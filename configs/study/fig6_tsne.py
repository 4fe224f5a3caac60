# Fig. 6: the output space of a teacher with a low and with a high CMI.
#
#   python tools/study.py configs/study/fig6_tsne.py --scale small
#
# Only teachers are looked at: the student is trained for a single epoch.

from mcmi_study.shorthand import CIFAR10, TEACHERS_ONLY

study = dict(
    exhibit='Fig. 6',
    title='output space of teachers',
    scales=dict(
        smoke=dict(
            config='_base_/digits_kd.py',
            seeds=1,
            options={**TEACHERS_ONLY, 'mcmi.mll_epochs': 1, 'mcmi.epochs': 1}),
        small=dict(config='_base_/digits_kd.py', seeds=1, options=TEACHERS_ONLY),
        medium=dict(seeds=1, options={**CIFAR10, **TEACHERS_ONLY}),
        paper=dict(
            seeds=1,
            options={**TEACHERS_ONLY, 'pair': 'r56_r20_cifar10', 'method': 'kd'})),
    measures=['teacher_cmi', 'teacher_accuracy', 'output_probabilities'],
    figures=[
        dict(
            type='scatter_tsne', arms=['MLL', 'lambda = 0', 'MCMI'], title='Fig. 6'),
    ],
    note='the paper does not say how its two networks were trained')
