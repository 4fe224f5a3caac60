"""The mathematics in plain PyTorch: nothing here imports OpenMMLab."""

from .attention import attention_map, attention_transfer
from .bayes import gaussian_posterior, pdist
from .budget import batch_sums, budget_lambda, followed_centroids, moving_average
from .calibration import Reliability
from .contrastive import bank_similarity, noise_contrastive, update_bank
from .hierarchical import hierarchical_distillation, joint_labels
from .information import ClassStatistics
from .labels import class_ids
from .logits import asymmetric, normalised_kd, standardised, transformed_matching
from .mcmi import (
    ce_and_kl,
    divergence,
    lower_bound,
    safe_lambda,
    suggested_lambda_range,
)
from .negatives import ClassOrder, class_order, draw_negatives
from .one_pass import collect
from .people import against_people, likeness, shares
from .review import hierarchical_context
from .rewards import (
    entropy,
    label_smoothing,
    negative_entropy,
    without_label,
    wrong_class,
)
from .similarity import (
    correlation_congruence,
    probabilistic_transfer,
    similarity_preserving,
)
from .spatial import match_spatial_size
from .temperature import TemperatureCurve, fitted_temperature, temperatures_within
from .variational import gaussian_nll, initial_log_scale

__all__ = [
    'ClassOrder',
    'ClassStatistics',
    'Reliability',
    'TemperatureCurve',
    'against_people',
    'asymmetric',
    'attention_map',
    'attention_transfer',
    'bank_similarity',
    'batch_sums',
    'budget_lambda',
    'ce_and_kl',
    'class_ids',
    'class_order',
    'collect',
    'correlation_congruence',
    'divergence',
    'draw_negatives',
    'entropy',
    'fitted_temperature',
    'followed_centroids',
    'gaussian_nll',
    'gaussian_posterior',
    'hierarchical_context',
    'hierarchical_distillation',
    'initial_log_scale',
    'joint_labels',
    'label_smoothing',
    'likeness',
    'lower_bound',
    'match_spatial_size',
    'moving_average',
    'negative_entropy',
    'noise_contrastive',
    'normalised_kd',
    'pdist',
    'probabilistic_transfer',
    'safe_lambda',
    'shares',
    'similarity_preserving',
    'standardised',
    'suggested_lambda_range',
    'temperatures_within',
    'transformed_matching',
    'update_bank',
    'without_label',
    'wrong_class',
]
