"""The figures of an audit from all predictions at once, by the textbook's formulas."""

import numpy as np
from scipy.special import log_softmax, rel_entr


def cmi_of(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean KL(P_x || Q^y), eqs. 11 to 13 of the paper, in nats."""
    probs = np.exp(log_softmax(logits.astype(np.float64), axis=1))
    centroids = [probs[labels == y].mean(0) for y in range(logits.shape[1])]
    pairs = zip(probs, labels, strict=True)
    return float(np.mean([rel_entr(p, centroids[y]).sum() for p, y in pairs]))


def ll_of(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean log-probability of the label, in nats."""
    log_probs = log_softmax(logits.astype(np.float64), axis=1)
    return float(np.mean([row[y] for row, y in zip(log_probs, labels, strict=True)]))


def entropy_of(logits: np.ndarray) -> float:
    """Mean entropy of the predictions, in nats."""
    log_probs = log_softmax(logits.astype(np.float64), axis=1)
    return float(-(np.exp(log_probs) * log_probs).sum(1).mean())


def calibration_error_of(logits: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """Expected calibration error in points: Guo et al. (2017), eqs. 3 to 5."""
    probs = np.exp(log_softmax(logits.astype(np.float64), axis=1))
    confidence, right = probs.max(1), probs.argmax(1) == labels
    error = 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            error += inside.mean() * gap
    return 100 * error
