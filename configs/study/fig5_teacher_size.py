# Fig. 5: teachers of growing size for one small student.
#
#   python tools/study.py configs/study/fig5_teacher_size.py --scale small

from mcmi_study.shorthand import CIFAR10, epochs


def resnet(depth):
    return {
        'pair': 'r56_r20',
        'method': 'kd',
        'model.architecture.backbone.depth': 8,
        'model.teacher.backbone.depth': depth,
        'model.teacher_ckpt': f'checkpoints/cifar100/resnet{depth}.pth',
        # Table 6 has lambda for ResNet-56 and ResNet-110 only.
        'mcmi.lmda': 0.1 if depth == 110 else 0.15,
    }


def cifar10(depth, base=CIFAR10):
    return {
        **base,
        'model.teacher.backbone.depth': depth,
        'model.teacher_ckpt': f'checkpoints/cifar10/resnet{depth}_mll.pth',
    }


def digits(width):
    return {
        'config': '_base_/digits_kd.py',
        'model.teacher.backbone.stem_channels': width,
        'model.teacher.backbone.base_channels': width,
        'model.teacher.head.in_channels': 8 * width,
    }


study = dict(
    exhibit='Fig. 5',
    title='size of the teacher',
    scales=dict(
        smoke=dict(
            seeds=1, grid=dict(teacher=['width 2']), options=epochs(1, 1, 1)),
        small=dict(
            seeds=3,
            grid=dict(teacher=['width 2', 'width 4', 'width 8', 'width 16']),
            options=epochs(8, 8, 4)),
        medium=dict(
            seeds=3,
            grid=dict(teacher=[f'CIFAR-10, ResNet-{d}' for d in (20, 32, 56)])),
        paper=dict(
            seeds=5,
            grid=dict(teacher=[f'ResNet-{d}' for d in (14, 20, 32, 44, 56, 110)]))),
    grid=dict(
        teacher={
            **{f'ResNet-{d}': resnet(d) for d in (14, 20, 32, 44, 56, 110)},
            **{f'CIFAR-10, ResNet-{d}': cifar10(d) for d in (20, 32, 56)},
            **{f'width {w}': digits(w) for w in (2, 4, 8, 16)},
        }),
    measures=['student_accuracy', 'teacher_cmi', 'teacher_ll'],
    figures=[
        dict(
            type='bars',
            measures=['student_accuracy', 'teacher_cmi', 'teacher_ll'],
            title='Fig. 5'),
    ])
