"""From the sums of a pass to what an audit says, as plain numbers for JSON."""

import math

from mcmi_plugin.audit.passes import Sums
from mcmi_plugin.evaluation.measure import summary
from mcmi_plugin.functional.calibration import Reliability
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import (
    reachable,
    safe_lambda,
    suggested_lambda_range,
)


def split_figures(sums: Sums) -> dict:
    """Of one data set: accuracy, LL, CMI, entropy, calibration, the curve.

    Accuracy, confidence and calibration error are in per cent, the others in nats.
    ``temperature_of_cmi`` and ``temperature_of_ll`` are those of the curve's points
    with the highest CMI and the best LL.
    """
    points = sums.curve.points()
    return dict(
        summary(sums.statistics),
        confidence=sums.reliability.confidence(),
        calibration_error=sums.reliability.error(),
        temperature_of_cmi=_best(points, 'cmi'),
        temperature_of_ll=_best(points, 'll'),
        temperatures=points,
        reliability=_bins(sums.reliability),
    )


def _best(points: list[dict], key: str) -> float:
    return max(points, key=lambda point: point[key])['temperature']


def _bins(reliability: Reliability) -> list[dict]:
    return [
        dict(samples=samples, confidence=_number(mean), accuracy=_number(right))
        for samples, mean, right in reliability.per_bin()
    ]


def per_class(statistics: ClassStatistics, names: list[str]) -> list[dict]:
    """CMI (eq. 9) and LL in nats, and accuracy in per cent, class by class.

    None stands for a class without a sample.
    """
    counts = statistics.counts
    columns = (
        statistics.cmi_per_class(),
        statistics.log_prob_sum / counts,
        100 * statistics.correct.double() / counts,
    )
    rows = zip(counts.tolist(), *(c.tolist() for c in columns), strict=True)
    return [
        dict(
            name=names[c],
            samples=samples,
            cmi=_number(cmi),
            ll=_number(ll),
            accuracy=_number(accuracy),
        )
        for c, (samples, cmi, ll, accuracy) in enumerate(rows)
    ]


def lambda_figures(statistics: ClassStatistics, names: list[str]) -> dict:
    """What the centroids say of lambda, for the form with fixed centroids.

    Returns:
        ``flip``: :func:`safe_lambda`, ``low`` and ``high``:
        :func:`suggested_lambda_range`; ``label`` and ``least`` are the class whose
        centroid sets ``flip`` and the class that this centroid thinks least of.
        Where classes have no sample, only ``missing``, their names.
    """
    missing = statistics.missing_classes()
    if missing:
        return dict(missing=[names[c] for c in missing])
    log_centroids = statistics.log_centroids()
    low, high = suggested_lambda_range(log_centroids)
    least = reachable(log_centroids)
    label = int((log_centroids.diagonal() - least.amin(1)).argmax())
    return dict(
        flip=_number(safe_lambda(log_centroids)),
        low=low,
        high=high,
        label=names[label],
        least=names[int(least[label].argmin())],
    )


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else None
