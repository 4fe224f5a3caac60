# Tables 6 and 7: lambda. Table 7 is ResNet-56 -> ResNet-20 over all of its lambdas;
# Table 6 is the lambda that the paper chose for each of six teachers:
#
#   python tools/study.py configs/study/table7_lambda.py --scale paper
#   python tools/study.py configs/study/table7_lambda.py --scale paper \
#       --grid pair=ResNet-110 --arms 'lambda = 0.1' 'lambda = 0.2'
#
# A tenth of the training set is held out: lambda is to be chosen by held_out_accuracy,
# not by the test accuracies of the table. tools/sweep.py chooses so for any config.
from mcmi_study.shorthand import CIFAR10

pairs = {
    'ResNet-56': dict(pair='_base_/pairs/r56_r20_held_out.py', method='kd'),
    'ResNet-110': dict(pair='_base_/pairs/r110_r20_held_out.py', method='kd'),
    'WRN-40-2': dict(pair='_base_/pairs/wrn40_2_wrn16_2_held_out.py', method='kd'),
    'VGG-13': dict(pair='_base_/pairs/vgg13_vgg8_held_out.py', method='kd'),
    'ResNet-50': dict(pair='_base_/pairs/r50_mnv2_held_out.py', method='kd'),
    'ResNet-32x4': dict(pair='_base_/pairs/r32x4_shuv1_held_out.py', method='kd'),
    'digits': dict(config='_base_/digits_kd.py'),
    'CIFAR-10: ResNet-20': CIFAR10,
}

lambdas = ['0.005', '0.01', '0.05', '0.1', '0.15', '0.2', '0.25']
# Student accuracy in per cent, CMI and LL of the teacher in nats.
printed = {
    'lambda = 0': ('70.62', '0.1602', '-0.114'),
    'lambda = 0.005': ('70.67', '0.3045', '-0.212'),
    'lambda = 0.01': ('70.73', '0.3830', '-0.317'),
    'lambda = 0.05': ('70.78', '0.4053', '-0.325'),
    'lambda = 0.1': ('70.81', '0.4326', '-0.336'),
    'lambda = 0.15': ('70.84', '0.4428', '-0.344'),
    'lambda = 0.2': ('70.73', '0.4430', '-0.352'),
    'lambda = 0.25': ('70.66', '0.4424', '-0.363'),
}

study = dict(
    exhibit='Tables 6 and 7',
    title='student accuracy, teacher CMI and LL against lambda',
    scales=dict(
        smoke=dict(
            seeds=1,
            grid=dict(pair=['digits']),
            arms=['lambda = 0.15'],
            options={
                'mcmi.mll_epochs': 1,
                'mcmi.epochs': 1,
                'train_cfg.max_epochs': 1,
            }),
        small=dict(seeds=5, grid=dict(pair=['digits'])),
        medium=dict(
            seeds=3,
            grid=dict(pair=['CIFAR-10: ResNet-20']),
            arms=['lambda = 0.05', 'lambda = 0.15', 'lambda = 0.25']),
        paper=dict(seeds=5, grid=dict(pair=['ResNet-56']))),
    grid=dict(pair=pairs),
    arms={
        **{f'lambda = {value}': {'mcmi.lmda': float(value)} for value in lambdas},
    },
    measures=[
        'student_accuracy', 'held_out_accuracy', 'teacher_cmi', 'teacher_ll',
        'teacher_accuracy', 'collapsed',
    ],
    figures=[
        dict(type='lines', x='arm', right='teacher_cmi', title='accuracy and CMI'),
        dict(type='lines', x='arm', right='teacher_ll', title='accuracy and LL'),
    ],
    paper=[
        dict(grid=dict(pair='ResNet-56'), arm=arm, student_accuracy=accuracy,
             teacher_cmi=cmi, teacher_ll=ll)
        for arm, (accuracy, cmi, ll) in printed.items()
    ],
    note='Table 6, the lambdas that the paper chose: ResNet-56 0.15, ResNet-110 0.10, '
    'WRN-40-2 0.15, VGG-13 0.20, ResNet-50 0.20, ResNet-32x4 0.15; it does not say by '
    'which data; here a tenth of the training set (a fifth of the digits) is held out '
    'to choose by, so students have less data than the paper\'s')
