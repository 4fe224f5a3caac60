# Table 2: four methods on two ImageNet pairs. Without ImageNet: the same four methods
# on the digits.
_base_ = '_base_/pairs_and_methods.py'

pairs = {
    'ResNet-34 -> ResNet-18': dict(pair='r34_r18_imagenet'),
    'ResNet-50 -> MobileNetV2': dict(pair='r50_mnv2_imagenet'),
    'digits: ResNet-20 -> ResNet-8': dict(pair='_base_/pairs/r20_r8_digits.py'),
}
# DKD and ReviewKD have settings of their own on ImageNet.
methods = {
    'KD': dict(method='kd'),
    'DKD': dict(method='dkd_imagenet'),
    'ReviewKD': dict(method='reviewkd_imagenet'),
    'CRD': dict(method='crd'),
    'DKD, digits': dict(method='dkd'),
}

# Top-1 of the MLL and the MCMI teacher's student, per method in the order above.
printed = {
    'ResNet-34 -> ResNet-18': '71.03 71.54 71.70 72.06 71.61 71.98 71.17 71.50',
    'ResNet-50 -> MobileNetV2': '70.50 71.10 72.05 72.61 72.56 73.00 71.37 71.63',
}
teachers = {  # top-1, CMI and LL in nats
    'ResNet-34 -> ResNet-18': ('73.31 0.7203 -0.5600', '71.62 0.8650 -0.6262'),
    'ResNet-50 -> MobileNetV2': ('76.13 0.6002 -0.4492', '74.94 0.7150 -0.4943'),
}
paper = []
for pair, figures in printed.items():
    figures = figures.split()
    for index, method in enumerate(list(methods)[:4]):
        for side, arm in enumerate(['MLL', 'MCMI']):
            accuracy, cmi, ll = teachers[pair][side].split()
            paper.append(dict(
                grid=dict(pair=pair, method=method),
                arm=arm,
                student_accuracy=figures[2 * index + side],
                teacher_accuracy=accuracy,
                teacher_cmi=cmi,
                teacher_ll=ll))

study = dict(
    exhibit='Table 2',
    title='Students of MLL and MCMI teachers on ImageNet',
    scales=dict(
        smoke=dict(grid=dict(method=['DKD, digits'])),
        small=dict(grid=dict(method=['KD', 'DKD, digits', 'CRD'])),
        paper=dict(
            seeds=1,
            grid=dict(pair=list(pairs)[:2], method=list(methods)[:4]))),
    grid=dict(pair=pairs, method=methods),
    paper=paper,
    note=(
        'The paper prints one run per cell. The digits stand in for ImageNet: they '
        'show that the machinery works, not that a method does.'))
