# Fig. 9: a few samples are labelled; the teacher labels the others for the student.
#
#   python tools/study.py configs/study/fig9_semi_supervised.py --scale small

from mcmi_study.shorthand import EARLY_STOPPED, TEMPERATURE, epochs


def labelled(percent):
    file = f'{{study_dir}}/indices/{percent}_seed{{seed}}.json'
    chosen = {'seed': '{seed}', 'index_file': file}
    return {
        'train_dataloader.dataset': {**chosen, 'labelled_fraction': percent / 100},
        'mcmi.dataset': {**chosen, 'fraction': percent / 100},
        'method': 'kd',
    }


digits = {'pair': '_base_/pairs/r20_r8_digits_labelled.py'}

study = dict(
    exhibit='Fig. 9',
    title='semi-supervised distillation with pseudo-labels',
    scales=dict(
        smoke=dict(
            seeds=1,
            arms=['MCMI'],
            grid=dict(labelled=['8 %']),
            options={**digits, **epochs(1, 1, 1)}),
        small=dict(
            seeds=3,
            grid=dict(labelled=['4 %', '8 %', '16 %']),
            options={**digits, **epochs(5, 40, 10)}),
        paper=dict(
            seeds=3,
            arms=['MCMI'],
            grid=dict(labelled=['1 %', '2 %', '4 %', '8 %']),
            options={'pair': '_base_/pairs/r56_r18_cifar10_labelled.py'})),
    grid=dict(labelled={f'{p} %': labelled(p) for p in (1, 2, 4, 8, 16)}),
    arms={
        'MCMI': {},
        'early-stopped': EARLY_STOPPED,
        'temperature': TEMPERATURE,
    },
    measures=['student_accuracy', 'teacher_accuracy'],
    figures=[
        dict(type='lines', x='labelled', log_x=True, title='Fig. 9'),
        dict(type='lines', x='labelled', right='teacher_accuracy', title='Teachers'),
    ],
    note='the paper names no teacher and does not say what it was trained on; here it '
    'knows the labelled samples only')
