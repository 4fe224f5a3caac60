# Fig. 1: the temperature of KD, the teacher's CMI at it, and the student's accuracy.
#
#   python tools/study.py configs/study/fig1_temperature.py --scale small
#
# Teacher and student have the same temperature. MMRazor multiplies the loss by its
# square.
# The paper does not name its three pairs; these are those of Fig. 8.

from mcmi_study.shorthand import CIFAR10, epochs, samples

pairs = {
    'ResNet-56 -> ResNet-20': dict(pair='r56_r20', method='kd'),
    'ResNet-110 -> ResNet-20': dict(pair='r110_r20', method='kd'),
    'ResNet-50 -> MobileNetV2': dict(pair='r50_mnv2', method='kd'),
    'synthetic: MLP -> MLP': dict(config='_base_/synthetic_kd.py'),
    'CIFAR-10: ResNet-20 -> ResNet-8': CIFAR10,
}
synthetic = ['synthetic: MLP -> MLP']

study = dict(
    exhibit='Fig. 1',
    title='temperature, CMI of the teacher, and accuracy of the student',
    scales=dict(
        smoke=dict(
            seeds=1,
            grid=dict(pair=synthetic, T=['1', '4']),
            options={**samples(200, 200), **epochs(1, 1, 1)}),
        small=dict(
            seeds=3,
            grid=dict(pair=synthetic, T=['1', '2', '4', '8']),
            options={**samples(2000, 5000), **epochs(25, 40, 10)}),
        medium=dict(
            seeds=3,
            grid=dict(
                pair=['CIFAR-10: ResNet-20 -> ResNet-8'], T=['1', '2', '4', '8'])),
        paper=dict(seeds=5, grid=dict(pair=list(pairs)[:3]))),
    grid=dict(
        pair=pairs,
        T={str(t): {'model.distiller.distill_losses.loss_kd.tau': t}
           for t in range(1, 9)}),
    measures=['student_accuracy', 'teacher_cmi_at_tau'],
    figures=[
        dict(type='lines', x='T', right='teacher_cmi_at_tau', title='Fig. 1'),
        dict(type='lines', x='T', baseline='lambda = 0', title='Gain'),
    ])
