"""An evaluator's config with :class:`CMIMetric` in it."""

import copy
from typing import Any

from mcmi_plugin.evaluation.cmi_metric import CMIMetric
from mcmi_plugin.type_names import short_name


def with_cmi(evaluator: Any) -> Any:
    """Add the metric to an evaluator of any of mmengine's forms, if it is not there.

    Args:
        evaluator: a metric, several, or ``dict(type='Evaluator', metrics=...)``.

    Returns:
        A copy, of the same form where an evaluator's own type is given, otherwise a
        list of metrics.
    """
    evaluator = copy.deepcopy(evaluator)
    if isinstance(evaluator, dict) and 'metrics' in evaluator:
        evaluator['metrics'] = with_cmi(evaluator['metrics'])
        return evaluator
    listed = isinstance(evaluator, (list, tuple))
    metrics = list(evaluator) if listed else [evaluator]
    if not any(map(_is_cmi, metrics)):
        metrics.append(dict(type='CMIMetric'))
    return metrics


def _is_cmi(metric: Any) -> bool:
    """Whether it gives the figures under the names that are expected."""
    if isinstance(metric, dict):
        name = short_name(metric.get('type'))
        prefix = metric.get('prefix') or CMIMetric.default_prefix
        return name == CMIMetric.__name__ and prefix == CMIMetric.default_prefix
    return isinstance(metric, CMIMetric) and metric.prefix == CMIMetric.default_prefix
