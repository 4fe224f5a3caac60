# RKD, relational knowledge distillation (Park et al., 2019): gamma_1 = 25 for
# distances, gamma_2 = 50 for angles. The features enter as they are; MMRazor's
# default would normalise them first, unlike the paper.
method = dict(
    name='RKD',
    losses=dict(
        loss_distance=dict(
            type='DistanceWiseRKD', loss_weight=25.0, with_l2_norm=False),
        loss_angle=dict(type='AngleWiseRKD', loss_weight=50.0, with_l2_norm=False)),
    inputs=dict(
        loss_distance=dict(preds_S='student.pooled', preds_T='teacher.pooled'),
        loss_angle=dict(preds_S='student.pooled', preds_T='teacher.pooled')))
