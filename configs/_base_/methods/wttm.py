# WTTM (Zheng and Yang, ICLR 2024). Its authors tune exponent and weight for each pair;
# these are of the one example that they print, beside CRD.
method = dict(
    name='WTTM',
    losses=dict(loss_wttm=dict(type='WTTMLoss', exponent=0.2, loss_weight=4.0)),
    inputs=dict(
        loss_wttm=dict(preds_S='student.logits', preds_T='teacher.logits')))
