# What a researcher would hold against MCMI: other ways to make a teacher, other ways to
# read its logits, and both together. Is MCMI more than a temperature, an early-stopped
# teacher or logit standardisation, and does it stack with the last?
#
#   python tools/study.py configs/study/side_by_side.py --scale small
#
# Every teacher of the small scale is trained here, for the paper's are not there; all
# are of one length. Asymmetric temperature is a method: it needs the label, so no
# checkpoint can hold it.

from mcmi_study.shorthand import (
    CIFAR10,
    EARLY_STOPPED,
    NO_FINE_TUNE,
    TEMPERATURE,
    epochs,
)

cifar10 = {k: v for k, v in CIFAR10.items() if k != 'method'}

sets = {
    'synthetic, delta 1': {
        'pair': '_base_/pairs/mlp_synthetic.py',
        **epochs(60, 100, 20),
        # Fewer and larger steps, as in Table 5's study.
        'train_dataloader.batch_size': 256, 'optim_wrapper.optimizer.lr': 8e-3,
        **{f'{split}_dataloader.dataset.delta': 1.0
           for split in ('train', 'val', 'test')}},
    'digits': {'pair': '_base_/pairs/r20_r8_digits.py'},
    'CIFAR-10': cifar10,
}
# Of the teacher that is trained here; where it is given there is nothing to choose.
trained = {
    'early-stopped': EARLY_STOPPED,
    'early-stopped by CMI': {**NO_FINE_TUNE, 'mcmi.early_stopping': 'cmi'},
    'mean of 5 snapshots': {**NO_FINE_TUNE, 'mcmi.snapshots': 5},
    'label smoothing 0.1': {**NO_FINE_TUNE, 'mcmi.label_smoothing': 0.1},
}
budget = {'mcmi.lmda': None, 'mcmi.eps': 0.02}

study = dict(
    exhibit='past the paper: side by side',
    title='what else makes or reads a better teacher',
    scales=dict(
        smoke=dict(
            seeds=1,
            grid=dict(set=['synthetic, delta 1', 'digits'], method=['KD + LS']),
            arms=['lower bound 0.02'],
            options=epochs(1, 1, 1)),
        small=dict(seeds=5, grid=dict(set=['synthetic, delta 1', 'digits'])),
        medium=dict(seeds=3, grid=dict(set=['CIFAR-10']), arms=[
            'MLL', 'lambda = 0', 'MCMI', 'budget 0.02', 'lower bound 0.02',
            'temperature'])),
    grid=dict(
        set=sets,
        method={
            'KD': dict(method='kd'),
            'KD + LS': dict(method='kd_ls'),
            'KD + ATS': dict(method='kd_ats'),
            'DKD': dict(method='dkd'),
            'DIST': dict(method='dist'),
            'WTTM': dict(method='wttm'),
        }),
    arms={
        'MCMI': {},
        'budget 0.02': {'mcmi.form': 'budget', **budget},
        'lower bound 0.02': {'mcmi.form': 'lower_bound', **budget},
        'temperature': TEMPERATURE,
        **trained,
    },
    measures=['student_accuracy', 'teacher_accuracy', 'teacher_ll', 'teacher_cmi',
              'collapsed'],
    figures=[
        dict(
            type='heatmap', rows='arm', columns='method', baseline='lambda = 0',
            # Without the one whose fall on the digits hides all else.
            arms=['MLL', 'lambda = 0', 'MCMI', 'budget 0.02', 'lower bound 0.02',
                  'temperature', 'early-stopped', 'mean of 5 snapshots',
                  'label smoothing 0.1'])],
    note='the Laplace approximation of the last layer is not among the teachers: its '
    'outputs depend on the image in a way that no plain checkpoint holds; temperature: '
    'the one with the highest LL on held-out training data')
del CIFAR10, EARLY_STOPPED, NO_FINE_TUNE, TEMPERATURE, epochs, cifar10, sets
del trained, budget
