# Tables 3 and 12: the student has a part of every class, the teacher all of them.
#
#   python tools/study.py configs/study/table3_few_shot.py --scale small
#
# All arms of a seed have the same samples; their indices are files in the study's
# folder. Early stopping and the temperature are chosen on a part of the training set
# that is held out, which CIFAR-100's published teachers have been trained on: so these
# two arms are for the small scale, where the teacher is trained here.

from mcmi_study.shorthand import CIFAR10, EARLY_STOPPED, TEMPERATURE, epochs


def part(alpha):
    return {
        'train_dataloader.dataset.fraction': alpha / 100,
        'train_dataloader.dataset.seed': '{seed}',
        'train_dataloader.dataset.index_file':
            f'{{study_dir}}/indices/{alpha}_seed{{seed}}.json',
    }


# MLL and MCMI of Table 12, one pair of figures a fraction.
printed = {
    'KD': (
        '52.30 0.26 58.02 0.21 60.13 0.29 63.75 0.17 63.52 0.32 66.20 0.23 '
        '66.78 0.29 68.10 0.68 68.28 0.37 69.34 0.32 69.52 0.22 70.28 0.23 '
        '70.44 0.23 70.59 0.46'),
    'CRD': (
        '47.60 0.18 51.40 0.19 54.60 0.41 56.80 0.11 58.90 0.22 60.02 0.29 '
        '63.82 0.19 64.70 0.77 66.70 0.23 67.22 0.20 68.84 0.24 69.15 0.76 '
        '70.35 0.26 70.40 0.88'),
}
fractions = {f'{alpha}%': part(alpha) for alpha in (5, 10, 15, 25, 35, 50, 75)}
paper = []
for method, figures in printed.items():
    figures = figures.split()
    for index, alpha in enumerate(fractions):
        for side, arm in enumerate(('MLL', 'MCMI')):
            mean, spread = figures[4 * index + 2 * side:4 * index + 2 * side + 2]
            paper.append(dict(
                grid=dict(method=method, alpha=alpha),
                arm=arm,
                student_accuracy=f'{mean} +- {spread}'))

digits = {'pair': '_base_/pairs/r20_r8_digits_few_shot.py'}

study = dict(
    exhibit='Tables 3, 12',
    title='students with a part of every class',
    scales=dict(
        smoke=dict(
            seeds=1,
            arms=['MCMI'],
            grid=dict(method=['KD'], alpha=['5%']),
            options={**digits, **epochs(1, 1, 1)}),
        small=dict(
            seeds=3,
            arms=['MCMI', 'early-stopped', 'temperature'],
            grid=dict(method=['KD'], alpha=['5%', '15%', '50%']),
            options={**digits, **epochs(20, 10, 5)}),
        medium=dict(
            seeds=3,
            arms=['MCMI', 'budget 0.02'],
            grid=dict(method=['KD'], alpha=['5%', '10%', '25%']),
            options={k: v for k, v in CIFAR10.items() if k != 'method'}),
        paper=dict(
            seeds=5,
            arms=['MCMI'],
            options={'pair': '_base_/pairs/r56_r20_few_shot.py'})),
    grid=dict(
        method={'KD': dict(method='kd'), 'CRD': dict(method='crd')},
        alpha=fractions),
    arms={
        'MCMI': {},
        'budget 0.02': {'mcmi.form': 'budget', 'mcmi.lmda': None, 'mcmi.eps': 0.02},
        'early-stopped': EARLY_STOPPED,
        'temperature': TEMPERATURE,
    },
    measures=['student_accuracy', 'teacher_ll', 'teacher_cmi'],
    figures=[
        dict(type='lines', x='alpha', title='Tables 3, 12'),
        dict(type='lines', x='alpha', baseline='lambda = 0', title='Gain'),
    ],
    paper=paper,
    note='the paper calls the spread of Table 12 a variance; it is taken for a '
    'standard deviation')
