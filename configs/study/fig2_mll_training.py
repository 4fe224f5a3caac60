# Fig. 2: CMI and LL of a teacher while it is trained by maximum log-likelihood.
#
#   python tools/study.py configs/study/fig2_mll_training.py --scale small
#
# Only teachers are looked at: the student is trained for a single epoch.
study = dict(
    exhibit='Fig. 2',
    title='CMI and LL during maximum-likelihood training',
    scales=dict(
        smoke=dict(
            seeds=2,
            grid=dict(teacher=['digits']),
            options={'mcmi.mll_epochs': 2}),
        small=dict(
            seeds=5,
            grid=dict(teacher=['digits']),
            options={'mcmi.mll_epochs': 30}),
        paper=dict(
            seeds=3,
            grid=dict(teacher=['ResNet-56', 'WRN-40-2']),
            options={'model.teacher_ckpt': None, 'mcmi.mll_epochs': 240})),
    # The paper does not name its two networks.
    grid=dict(
        teacher={
            'ResNet-56': dict(pair='r56_r20', method='kd'),
            'WRN-40-2': dict(pair='wrn40_2_wrn16_2', method='kd'),
            'digits': dict(config='_base_/digits_kd.py'),
        }),
    arms={
        'MLL': {
            'mcmi.form': 'none', 'mcmi.lmda': None, 'train_cfg.max_epochs': 1},
    },
    controls=None,
    measures=['teacher_cmi', 'teacher_ll', 'teacher_accuracy', 'mll_history'],
    figures=[dict(type='curves', title='Fig. 2')],
    note='no arms are compared: the MLL teacher is what is looked at; its rate follows '
    'a cosine, where the paper\'s falls in steps')
