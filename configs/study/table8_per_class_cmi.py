# Table 8: CMI of the MLL and the MCMI teacher, class by class.
#
#   python tools/study.py configs/study/table8_per_class_cmi.py --scale small
#
# Only teachers are compared: the student is trained for a single epoch.
from mcmi_study.shorthand import CIFAR10, TEACHERS_ONLY

pairs = {
    'ImageNet, ResNet-34': dict(pair='r34_r18_imagenet', method='kd'),
    'digits': dict(config='_base_/digits_kd.py'),
    'CIFAR-10, ResNet-20': CIFAR10,
}


def digits(mll, fine_tune):
    return {**TEACHERS_ONLY, 'mcmi.mll_epochs': mll, 'mcmi.epochs': fine_tune}


study = dict(
    exhibit='Table 8',
    title='CMI of teachers, class by class',
    scales=dict(
        smoke=dict(
            seeds=1, grid=dict(teacher=['digits']), options=digits(1, 1)),
        small=dict(
            seeds=5, grid=dict(teacher=['digits']), options=digits(15, 10)),
        medium=dict(
            seeds=3,
            grid=dict(teacher=['CIFAR-10, ResNet-20']),
            options=TEACHERS_ONLY),
        paper=dict(
            seeds=1,
            grid=dict(teacher=['ImageNet, ResNet-34']),
            options=TEACHERS_ONLY)),
    grid=dict(teacher=pairs),
    measures=['teacher_cmi', 'teacher_cmi_per_class'],
    figures=[
        dict(
            type='per_class',
            classes=[
                'goldfish, Carassius auratus', 'mountain tent', 'toy terrier',
                'bee eater'],
            title='Table 8'),
    ],
    note='the paper prints (MLL, MCMI): goldfish 0.2896, 0.4173; mountain tent 1.1694, '
    '1.2312; toy terrier 0.4132, 0.5414; bee eater 0.2954, 0.3471; it does not say of '
    'which teacher')
