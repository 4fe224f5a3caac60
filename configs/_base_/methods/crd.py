# CRD, contrastive representation distillation (Tian et al., 2019): gamma = 0.8,
# 16,384 negatives. Both embeddings are trained; the banks of all training samples'
# embeddings are in the checkpoints of the distillation, not in the student.
method = dict(
    name='CRD',
    connectors=dict(
        embed_student=dict(
            type='CRDConnector', dim_in='student.pooled_channels', dim_out=128),
        embed_teacher=dict(
            type='CRDConnector', dim_in='teacher.pooled_channels', dim_out=128)),
    losses=dict(
        loss_crd=dict(
            type='CRDContrastLoss',
            embed_dim=128,
            num_negatives=16384,
            loss_weight=0.8)),
    inputs=dict(
        loss_crd=dict(
            s_feature=dict(tap='student.pooled', connector='embed_student'),
            t_feature=dict(tap='teacher.pooled', connector='embed_teacher'),
            data_samples='student.data_samples')))

custom_hooks = [dict(type='CRDBankHook')]
