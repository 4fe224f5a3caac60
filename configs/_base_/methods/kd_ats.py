# KD with an asymmetric temperature, ATS (Li et al., NeurIPS 2022): the teacher's logit
# of the true class is divided by a larger number than the others. KD's weights.
method = dict(
    name='KD + ATS',
    ce_weight=0.1,
    losses=dict(
        loss_kd=dict(
            type='AsymmetricTemperatureLoss',
            true=4.0,
            others=3.0,
            student=4.0,
            loss=dict(type='KLDivergence', tau=1, loss_weight=0.9))),
    inputs=dict(
        loss_kd=dict(
            preds_S='student.logits',
            preds_T='teacher.logits',
            gt_labels='student.labels')))
