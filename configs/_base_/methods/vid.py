# VID, variational information distillation (Ahn et al., 2019): gamma = 1. The
# regressors and variances are trained, and stay in the distiller.
method = dict(
    name='VID',
    losses={
        'loss_vid_{stage}': dict(
            type='VIDLoss',
            student_channels='student.channels.{stage}',
            teacher_channels='teacher.channels.{stage}',
            loss_weight=1.0)
    },
    inputs={
        'loss_vid_{stage}': dict(
            s_feature='student.stages.{stage}', t_feature='teacher.stages.{stage}')
    })
