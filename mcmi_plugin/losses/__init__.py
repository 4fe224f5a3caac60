"""Losses, registered in mmengine's root registry so that any scope finds them."""

from .cmi_loss import CMILoss
from .crd_contrast_loss import CRDContrastLoss
from .hsakd_loss import HSAKDLoss
from .logit_losses import (
    AsymmetricTemperatureLoss,
    NKDLoss,
    StandardisedLogitsLoss,
    WTTMLoss,
)
from .reviewkd_loss import ReviewKDLoss
from .similarity_losses import CCLoss, PKTLoss, PooledATLoss, SPLoss
from .vid_loss import VIDLoss

__all__ = [
    'AsymmetricTemperatureLoss',
    'CCLoss',
    'CMILoss',
    'CRDContrastLoss',
    'HSAKDLoss',
    'NKDLoss',
    'PKTLoss',
    'PooledATLoss',
    'ReviewKDLoss',
    'SPLoss',
    'StandardisedLogitsLoss',
    'VIDLoss',
    'WTTMLoss',
]
