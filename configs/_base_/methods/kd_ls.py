# KD between standardised logits, LS (Sun et al., CVPR 2024): base temperature 2,
# weight 9, and a tenth of the student's cross-entropy.
method = dict(
    name='KD + LS',
    ce_weight=0.1,
    losses=dict(
        loss_kd=dict(
            type='StandardisedLogitsLoss',
            loss=dict(type='KLDivergence', tau=2, loss_weight=9.0))),
    inputs=dict(
        loss_kd=dict(preds_S='student.logits', preds_T='teacher.logits')))
