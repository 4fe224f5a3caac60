# NKD (Yang et al., ICCV 2023): gamma = 1.5 and temperature 1, beside the student's
# cross-entropy.
method = dict(
    name='NKD',
    losses=dict(loss_nkd=dict(type='NKDLoss', tau=1.0, gamma=1.5)),
    inputs=dict(
        loss_nkd=dict(
            preds_S='student.logits',
            preds_T='teacher.logits',
            gt_labels='student.labels')))
