# PKT, probabilistic knowledge transfer (Passalis and Tefas, 2018): gamma = 30000.
method = dict(
    name='PKT',
    losses=dict(loss_pkt=dict(type='PKTLoss', loss_weight=30000.0)),
    inputs=dict(
        loss_pkt=dict(s_feature='student.pooled', t_feature='teacher.pooled')))
