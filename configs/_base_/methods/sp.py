# SP, similarity-preserving distillation (Tung and Mori, 2019): gamma = 3000.
method = dict(
    name='SP',
    losses=dict(loss_sp=dict(type='SPLoss', loss_weight=3000.0)),
    inputs=dict(
        loss_sp=dict(s_feature='student.last_stage', t_feature='teacher.last_stage')))
