# Table 5: the synthetic Gaussian set, whose true BCPD is known.
#
#   python tools/study.py configs/study/table5_synthetic.py --scale small \
#       --grid delta=1
#
# The table does not follow from its stated setting. With sigma = 4, 30 dimensions
# and 10 classes no classifier can reach its accuracies: the Bayes accuracies at delta
# 0.5, 1, 2, 4 are about 21, 37, 72 and 99 %, where its ground-truth row says 57, 70,
# 77 and 82. So its figures stand beside ours for the record, not to be met. A.6 gives
# no lambda; its MCMI row stands beside ours at 0.5.

from mcmi_study.shorthand import EARLY_STOPPED, TEMPERATURE, epochs, samples


def at(delta):
    return {
        'train_dataloader.dataset.delta': delta,
        'val_dataloader.dataset.delta': delta,
        'test_dataloader.dataset.delta': delta,
    }


config = '_base_/synthetic_kd.py'

study = dict(
    exhibit='Table 5',
    title='students of MLP teachers on synthetic Gaussian data',
    scales=dict(
        smoke=dict(
            config=config,
            seeds=2,
            grid=dict(delta=['1']),
            options={**samples(200, 200), **epochs(2, 2, 1)}),
        small=dict(
            config=config,
            seeds=5,
            options={
                **epochs(100, 100, 20),
                # Fewer and larger steps: less than two minutes on one core for one
                # delta and four arms.
                'train_dataloader.batch_size': 256,
                'optim_wrapper.optimizer.lr': 8e-3,
            }),
        paper=dict(
            config=config,
            seeds=5,
            options={**samples(90_000, 5_000), **epochs(100, 100, 20)})),
    grid=dict(delta={'0.5': at(0.5), '1': at(1.0), '2': at(2.0), '4': at(4.0)}),
    arms={
        'MCMI 0.15': {'mcmi.lmda': 0.15},
        'MCMI 0.5': {'mcmi.lmda': 0.5},
        'early-stopped': EARLY_STOPPED,
        'temperature': TEMPERATURE,
        'true BCPD': {
            'mcmi': None,
            'model.teacher': dict(
                _delete_=True, type='GaussianPosterior', delta='{delta}', sigma=4.0),
        },
        'one-hot': {'config': '_base_/synthetic_one_hot.py'},
    },
    measures=[
        'student_accuracy', 'teacher_pdist', 'teacher_accuracy', 'teacher_ll',
        'teacher_cmi', 'collapsed',
    ],
    compare=['student_accuracy', 'teacher_pdist'],
    figures=[dict(type='bars', measures=['student_accuracy', 'teacher_pdist'])],
    paper=[
        dict(grid=dict(delta=delta), arm=arm, student_accuracy=accuracy,
             teacher_pdist=distance)
        for delta, arm, accuracy, distance in (
            ('0.5', 'true BCPD', '57.21 +- 0.07', '0'),
            ('0.5', 'MCMI 0.5', '57.02 +- 0.18', '13.25 +- 0.04'),
            ('0.5', 'MLL', '56.32 +- 0.27', '14.41 +- 0.05'),
            ('0.5', 'one-hot', '55.48 +- 0.55', '41.23'),
            ('1', 'true BCPD', '69.68 +- 0.08', '0'),
            ('1', 'MCMI 0.5', '69.32 +- 0.09', '9.02 +- 0.07'),
            ('1', 'MLL', '68.88 +- 0.11', '9.65 +- 0.06'),
            ('1', 'one-hot', '67.76 +- 0.24', '34.52'),
            ('2', 'true BCPD', '76.98 +- 0.04', '0'),
            ('2', 'MCMI 0.5', '76.54 +- 0.06', '4.42 +- 0.02'),
            ('2', 'MLL', '76.15 +- 0.10', '4.77 +- 0.03'),
            ('2', 'one-hot', '75.71 +- 0.15', '7.11'),
            ('4', 'true BCPD', '81.68 +- 0.01', '0'),
            ('4', 'MCMI 0.5', '81.60 +- 0.02', '2.44 +- 0.02'),
            ('4', 'MLL', '81.57 +- 0.05', '2.54 +- 0.02'),
            ('4', 'one-hot', '81.44 +- 0.08', '3.18'))
    ],
    note='the paper\'s table does not follow from its stated setting: its accuracies '
    'lie above those of the Bayes classifier at delta 0.5, 1 and 2 and below at 4; '
    'it gives no lambda')
