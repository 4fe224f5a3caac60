# CC, correlation congruence (Peng et al., 2019): gamma = 0.02. Both embeddings are
# trained, and stay in the distiller.
method = dict(
    name='CC',
    connectors=dict(
        embed_student=dict(
            type='TorchNNConnector',
            module_name='Linear',
            module_args=dict(
                in_features='student.pooled_channels', out_features=128)),
        embed_teacher=dict(
            type='TorchNNConnector',
            module_name='Linear',
            module_args=dict(
                in_features='teacher.pooled_channels', out_features=128))),
    losses=dict(loss_cc=dict(type='CCLoss', loss_weight=0.02)),
    inputs=dict(
        loss_cc=dict(
            s_feature=dict(tap='student.pooled', connector='embed_student'),
            t_feature=dict(tap='teacher.pooled', connector='embed_teacher'))))
