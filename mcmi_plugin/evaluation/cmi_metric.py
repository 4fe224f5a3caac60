"""CMI, log-likelihood and entropy of any mmpretrain classifier on any loader."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce, get_dist_info
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS
from torch import Tensor

from ..errors import UserError
from ..functional.information import ClassStatistics
from ..log import log_warning
from ..type_names import short_name
from .predictions import hard_labels

# The smallest positive float32: no representable probability is altered.
_SMALLEST_FLOAT32 = 2.0**-149


@METRICS.register_module()
class CMIMetric(BaseMetric):
    """``mcmi/cmi``, ``mcmi/ll`` and ``mcmi/entropy``, all in nats per sample.

    CMI is ``I(X; Yhat | Y)`` over the classes present (Ye et al., ICLR 2024,
    eq. 12), LL the mean log-probability of the label (eq. 5), entropy the mean
    ``H(P_x)``. With no sample at all they are NaN.

    One pass, [C, C] float64 sums; under several processes the sums are added up
    and no prediction is gathered. mmengine's ``DefaultSampler`` gives rank r of R
    the samples r, r + R, ... and repeats a few samples at the end of the last
    ranks to even out their lengths; those are left out, as in every mmengine
    metric.

    ``pred_score`` is a float32 softmax. A probability that underflowed to 0 has
    lost its logarithm, so logarithms are floored at that of the smallest
    positive float32, -103.3: LL cannot show a worse sample than that.

    Args:
        prefix: replaces ``mcmi`` in the keys.

    Raises:
        UserError: on ``evaluate``, predictions that are not finite; on
            ``process``, samples without ``pred_score`` or with soft, several or
            unknown labels.
    """

    default_prefix = 'mcmi'
    takes_batches = True  # see BatchValLoop

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self._reset()

    def _reset(self) -> None:
        self._statistics: ClassStatistics | None = None
        self._last: tuple[Tensor, Tensor] | None = None
        self._num_seen = 0

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Add a batch.

        Args:
            data_samples: ``pred_score`` [C] and ``gt_label`` [1] (or a one-hot
                ``gt_score`` [C]) of a sample each, or [B, C] and [B] of all.
        """
        if any('pred_score' not in sample for sample in data_samples):
            raise UserError(
                'CMIMetric needs pred_score: remove it from the evaluator of a '
                'model whose head predicts no class probabilities'
            )
        predicted = [torch.atleast_2d(sample['pred_score']) for sample in data_samples]
        scores = torch.cat(predicted)
        labels = hard_labels(data_samples).to(scores.device)
        if len(labels) != len(scores):
            raise UserError(
                'CMIMetric needs one gt_label per sample: remove it from the '
                'evaluator of a multi-label data set'
            )
        # Which sample is the last, and whether it is a repeated one, is known
        # only at evaluate(): hold one back.
        self._num_seen += len(scores)
        if self._last is not None:
            scores = torch.cat([self._last[0], scores])
            labels = torch.cat([self._last[1], labels])
        self._add(scores[:-1], labels[:-1])
        self._last = scores[-1:].clone(), labels[-1:].clone()

    def _add(self, scores: Tensor, labels: Tensor) -> None:
        if self._statistics is None:
            self._statistics = ClassStatistics(scores.shape[1], scores.device)
        log_probs = scores.double().clamp(min=_SMALLEST_FLOAT32).log()
        with _labels_checked():
            self._statistics.update_log_probs(log_probs, labels)

    def evaluate(self, size: int) -> dict[str, float]:
        """The figures over all processes, the same dict on each; then start anew.

        Args:
            size: length of the data set, repeated samples not counted.
        """
        rank, world_size = get_dist_info()
        if self._last is not None:
            is_repeated = self._num_seen > len(range(rank, size, world_size))
            if not is_repeated:
                self._add(*self._last)
        statistics = self._over_all_processes()
        self._reset()
        if statistics is not None and not statistics.is_finite():
            raise UserError(
                'CMIMetric: predictions are NaN or infinite: check the checkpoint, '
                'or lower the learning rate'
            )
        metrics = self.compute_metrics([statistics])
        return {f'{self.prefix}/{name}': value for name, value in metrics.items()}

    def _over_all_processes(self) -> ClassStatistics | None:
        # A rank without a sample does not know how many classes there are.
        statistics = self._statistics
        num_classes = torch.tensor(0 if statistics is None else statistics.num_classes)
        all_reduce(num_classes, 'max')
        if not num_classes:
            return None
        if statistics is None:
            statistics = ClassStatistics(int(num_classes))
        with _labels_checked():
            statistics.all_reduce()
        return statistics

    def compute_metrics(self, results: list) -> dict[str, float]:
        """From a list that holds the one reduced ``ClassStatistics``, or None."""
        (statistics,) = results
        if statistics is None:
            log_warning('CMIMetric saw no sample')
            return dict.fromkeys(('cmi', 'll', 'entropy'), float('nan'))
        return {
            'cmi': statistics.cmi(),
            'll': statistics.log_likelihood(),
            'entropy': statistics.entropy(),
        }


@contextmanager
def _labels_checked() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UserError(
            f"CMIMetric: {error}; check the head's num_classes and the data set"
        ) from error


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
