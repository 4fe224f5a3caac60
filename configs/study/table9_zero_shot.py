# Table 9 and Figs. 4, 14-19: classes that the student is never shown.
#
#   python tools/study.py configs/study/table9_zero_shot.py --scale small
#
# The paper does not say which classes it drops; here they are the first ones.

from mcmi_study.shorthand import CIFAR10, NO_FINE_TUNE, epochs

cifar10 = dict(pair='_base_/pairs/r56_r20_cifar10_zero_shot.py')
cifar100 = dict(pair='_base_/pairs/wrn40_2_wrn16_2_zero_shot.py')
few = dict(pair='_base_/pairs/r20_r8_cifar10_zero_shot.py')
few_of_56 = dict(pair='_base_/pairs/r56_r8_cifar10_zero_shot.py')
digits = dict(pair='_base_/pairs/r20_r8_digits_zero_shot.py')


def dropped(number):
    return {'train_dataloader.dataset.classes': list(range(number)), 'method': 'kd'}


grid = {
    **{f'CIFAR-10, {k}': {**cifar10, **dropped(k)} for k in range(1, 7)},
    **{f'CIFAR-100, {k}': {**cifar100, **dropped(k)} for k in (5, 10, 20, 30, 40, 50)},
    **{f'digits, {k}': {**digits, **dropped(k)} for k in range(1, 7)},
    **{f'CIFAR-10 (a fifth), {k}': {**few, **dropped(k)} for k in range(1, 7)},
    **{f'ResNet-56 (a fifth), {k}': {**few_of_56, **dropped(k)} for k in range(1, 7)},
}

# Dropped and preserved classes, of the MLL and of the MCMI teacher's student.
printed = {
    5: '0.16 75.02 25.64 75.08',
    10: '2.70 75.82 32.78 75.78',
    20: '1.63 76.28 30.61 76.22',
    30: '1.11 80.15 21.72 80.27',
    40: '1.74 80.42 23.74 80.79',
    50: '0.87 82.38 22.26 82.46',
}
paper = []
for number, row in printed.items():
    row = row.split()
    for side, arm in enumerate(('MLL', 'MCMI')):
        paper.append(dict(
            grid=dict(dropped=f'CIFAR-100, {number}'),
            arm=arm,
            dropped_accuracy=row[2 * side],
            preserved_accuracy=row[2 * side + 1]))

study = dict(
    exhibit='Table 9, Figs. 4, 14-19',
    title='students that never saw some classes',
    scales=dict(
        smoke=dict(
            seeds=1,
            arms=['MCMI'],
            grid=dict(dropped=['digits, 5']),
            options=epochs(1, 1, 1)),
        small=dict(
            seeds=3,
            arms=['MCMI'],
            grid=dict(dropped=['digits, 1', 'digits, 3', 'digits, 5']),
            options=epochs(10, 10, 5)),
        medium=dict(
            seeds=3,
            grid=dict(dropped=['CIFAR-10 (a fifth), 1', 'CIFAR-10 (a fifth), 5']),
            options={
                **{k: v for k, v in CIFAR10.items() if k not in ('pair', 'method')},
                'train_cfg.max_epochs': 15,
                'param_scheduler.T_max': 15,
            }),
        paper=dict(
            seeds=5, arms=['MCMI'], grid=dict(dropped=list(grid)[:12]))),
    grid=dict(dropped=grid),
    arms={
        'MCMI': {},
        'budget 0.02': {'mcmi.form': 'budget', 'mcmi.lmda': None, 'mcmi.eps': 0.02},
        'temperature 2': {**NO_FINE_TUNE, 'mcmi.temperature': 2.0},
    },
    measures=['dropped_accuracy', 'preserved_accuracy', 'confusion'],
    compare=['dropped_accuracy', 'preserved_accuracy'],
    figures=[
        dict(
            type='bars',
            measures=['dropped_accuracy', 'preserved_accuracy'],
            title='Table 9'),
        dict(type='confusion', title='Figs. 4, 14-19'),
    ],
    paper=paper,
    note='what a student knows of classes that it never saw depends on its '
    'architecture; higher temperatures raise it as well')
