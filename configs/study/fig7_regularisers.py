# Fig. 7: CMI against entropy and label smoothing as what a teacher is rewarded for.
#
#   python tools/study.py configs/study/fig7_regularisers.py --scale small
#
# The paper names neither its pairs nor the weights of the other two; here all three
# are the same fine-tune of the same MLL teacher.

from mcmi_study.shorthand import epochs, samples

pairs = {
    'ResNet-56 -> ResNet-20': dict(pair='r56_r20', method='kd'),
    'VGG-13 -> VGG-8': dict(pair='vgg13_vgg8', method='kd'),
    'synthetic: MLP -> MLP': dict(config='_base_/synthetic_kd.py'),
}
synthetic = ['synthetic: MLP -> MLP']

study = dict(
    exhibit='Fig. 7',
    title='CMI, entropy and label smoothing as regularisers of the teacher',
    scales=dict(
        smoke=dict(
            seeds=1,
            grid=dict(pair=synthetic),
            options={**samples(200, 200), **epochs(1, 1, 1)}),
        small=dict(
            seeds=3,
            grid=dict(pair=synthetic),
            options={**samples(5000, 5000), **epochs(30, 40, 10)}),
        paper=dict(seeds=5, grid=dict(pair=list(pairs)[:2]))),
    grid=dict(pair=pairs),
    arms={
        'MCMI': {},
        'entropy': {'mcmi.reward': 'entropy', 'mcmi.lmda': 0.2},
        'label smoothing': {'mcmi.reward': 'label_smoothing', 'mcmi.lmda': 0.1},
    },
    measures=['student_accuracy', 'teacher_entropy', 'teacher_cmi'],
    figures=[
        dict(
            type='bars',
            measures=['student_accuracy', 'teacher_entropy', 'teacher_cmi'],
            title='Fig. 7'),
    ])
