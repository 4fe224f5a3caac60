# What Tables 1 and 2 share: pairs x methods. Their smaller scales are a pair of the
# same networks on scikit-learn's digits.
study = dict(
    scales=dict(
        smoke=dict(
            seeds=1,
            grid=dict(pair=['digits: ResNet-20 -> ResNet-8'], method=['KD']),
            options={
                'mcmi.mll_epochs': 1, 'mcmi.epochs': 1, 'train_cfg.max_epochs': 1}),
        small=dict(seeds=3, grid=dict(pair=['digits: ResNet-20 -> ResNet-8']))),
    measures=[
        'student_accuracy', 'teacher_accuracy', 'teacher_ll', 'teacher_cmi'],
    figures=[dict(type='bars', measures=['student_accuracy'])])
