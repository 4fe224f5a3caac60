# Fig. 8: can temperatures of teacher and student do what MCMI does?
#
#   python tools/study.py configs/study/fig8_temperature_grid.py --scale small
#
# The loss divides both networks' logits by tau = T^s, and the teacher's by another
# T^t / T^s (mcmi.temperature), so that its temperature is T^t. The loss is multiplied
# by the square of T^s.

from mcmi_study.shorthand import epochs, samples


def at(teacher, student):
    return {
        'mcmi.temperature': teacher / student,
        'model.distiller.distill_losses.loss_kd.tau': student,
    }


pairs = {
    'ResNet-56 -> ResNet-20': dict(pair='r56_r20', method='kd'),
    'ResNet-110 -> ResNet-20': dict(pair='r110_r20', method='kd'),
    'ResNet-50 -> MobileNetV2': dict(pair='r50_mnv2', method='kd'),
    'synthetic: MLP -> MLP': dict(config='_base_/synthetic_kd.py'),
}
synthetic = ['synthetic: MLP -> MLP']
axis = 'T^t / T^s'

study = dict(
    exhibit='Fig. 8',
    title='temperatures of teacher and student',
    scales=dict(
        smoke=dict(
            seeds=1,
            grid={'pair': synthetic, axis: ['1 / 1', '4 / 2']},
            options={**samples(200, 200), **epochs(1, 1, 1)}),
        small=dict(
            seeds=2,
            grid={
                'pair': synthetic,
                axis: [f'{t} / {s}' for t in (1, 2, 4) for s in (1, 2, 4)],
            },
            options={**samples(2000, 5000), **epochs(20, 40, 10)}),
        paper=dict(seeds=5, grid=dict(pair=list(pairs)[:3]))),
    grid={
        'pair': pairs,
        axis: {f'{t} / {s}': at(t, s) for t in range(1, 9) for s in (1, 2, 4)},
    },
    measures=['student_accuracy', 'teacher_cmi_at_tau'],
    figures=[
        dict(type='heatmap', rows='T^t', columns='T^s', title='Fig. 8'),
        dict(
            type='heatmap',
            rows='T^t',
            columns='T^s',
            baseline='lambda = 0',
            title='Fig. 8, against the control'),
    ],
    note='as in the paper, lambda is the same for all temperatures')
