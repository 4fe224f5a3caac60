# DKD between standardised logits (Sun et al., CVPR 2024): its weights times 9 and
# base temperature 2, as the paper says. (The released script takes 81 alpha for beta
# and leaves DKD's temperature at 4.)
_base_ = './dkd.py'

method = dict(
    name='DKD + LS',
    losses=dict(
        loss_dkd=dict(
            _delete_=True,
            type='StandardisedLogitsLoss',
            loss=dict(
                type='DKDLoss',
                tau=2,
                alpha=1.0,
                beta='pair.dkd_beta',
                reduction='batchmean',
                loss_weight=9.0))))
