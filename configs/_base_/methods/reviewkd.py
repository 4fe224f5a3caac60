# ReviewKD (Chen et al., 2021): gamma of the pair, a warm-up of 20 epochs. The
# student's stages behind the activation meet the teacher's before it. The fusion
# modules are trained, and stay in the distiller.
method = dict(
    name='ReviewKD',
    losses=dict(
        loss_reviewkd=dict(
            type='ReviewKDLoss',
            in_channels='student.level_channels',
            out_channels='teacher.level_channels',
            loss_weight='pair.reviewkd_weight')),
    inputs=dict(
        loss_reviewkd={
            's_feature_{level}': 'student.levels.{level}',
            't_feature_{level}': 'teacher.preact_levels.{level}',
        }))

custom_hooks = [dict(type='LossWarmupHook', losses=['loss_reviewkd'], epochs=20)]
