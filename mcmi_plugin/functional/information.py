"""CMI, log-likelihood and class centroids of a classifier, from one pass.

Ye et al., *Bayes Conditional Distribution Estimation for Knowledge Distillation
Based on Conditional Mutual Information*, ICLR 2024, equations 5 and 11 to 13.

Per-class sums are enough: ``CMI = sum_y p(y) H(Q^y) - mean H(P_x)``, because the
cross terms of the KL divergences average to the entropy of the centroid. So no
prediction is kept and nothing is visited twice.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

# exp(-700) = 1e-304 is still a normal float64; a little further it is 0.
_LOG_SMALLEST = -700.0
_LOWEST = torch.finfo(torch.float64).min


class ClassStatistics:
    """Per-class sums of a classifier's predictions; O(C^2) memory, float64.

    All information is in nats, and 0 log 0 is 0: a logit of ``-inf`` takes its class
    out of a prediction. ``P_x`` is the softmax of the logits, ``Q^y`` the
    mean of ``P_x`` over the samples labelled ``y`` (the centroid, eq. 13).

    Args:
        num_classes: C.
        device: where the sums live; batches must be there already.
        track_tail: sum probabilities below 1e-304 in log space, so that
            :meth:`log_centroids` stays finite and exact (tried to logit gaps of
            5,000). ``False`` takes less time: meant for a training step, where such
            centroid entries become ``-inf`` and no other figure changes. Neither
            waits for the device.

    Attributes:
        prob_sum: [C, C], row y = sum of ``P_x`` over the samples labelled y.
        counts: [C] int64, samples per class.
        entropy_sum: [C], sum of ``H(P_x)``.
        log_prob_sum: [C], sum of ``log P_x[y]``.
        correct: [C] int64, samples whose most probable class is their label.

    >>> statistics = ClassStatistics(2)
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    >>> statistics.update(logits, torch.tensor([0, 0, 1]))
    >>> round(statistics.cmi(), 4), round(statistics.log_likelihood(), 4)
    (0.2185, -0.7936)
    """

    def __init__(
        self,
        num_classes: int,
        device: torch.device | str = 'cpu',
        track_tail: bool = True,
    ) -> None:
        self.num_classes = num_classes
        self.track_tail = track_tail
        # On the CPU a look at values is free; elsewhere it is to wait.
        self._looks = torch.device(device).type == 'cpu'
        zeros = torch.zeros(num_classes, device=device)
        self.prob_sum = zeros.double().repeat(num_classes, 1)
        self.counts = zeros.long()
        self.entropy_sum = zeros.double()
        self.log_prob_sum = zeros.double()
        self.correct = zeros.long()
        # [C, C] log of the sums too small for prob_sum; most runs have none.
        self._log_tail: Tensor | None = None
        # Whether a label was outside [0, C), where to look at once would be to wait.
        self._outside = torch.zeros((), dtype=torch.bool, device=device)

    def reset(self) -> None:
        """Begin anew, in the same memory: a recorded step goes on adding to it."""
        for name, sums in vars(self).items():
            if isinstance(sums, Tensor) and name != '_log_tail':
                sums.zero_()
        self._log_tail = None

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Add a batch.

        Args:
            logits: [B, C], any floating dtype; computed in float64.
            labels: [B] integer class ids.

        Raises:
            ValueError: soft labels, shapes that do not fit, or, on the CPU, a label
                outside [0, C). On another device the figures raise it, or, without
                ``track_tail``, the device's own assertion, as in cross-entropy.
        """
        self.update_log_probs(logits.detach().double().log_softmax(1), labels)

    @torch.no_grad()
    def update_log_probs(self, log_probs: Tensor, labels: Tensor) -> None:
        """Like :meth:`update`, for [B, C] log-probabilities in nats."""
        self._check(log_probs, labels)
        if not len(labels):
            return
        labels = labels.long()
        if self.track_tail and not self._looks:
            inside = labels.clamp(0, self.num_classes - 1)
            self._outside |= (inside != labels).any()
            labels = inside
        log_probs = log_probs.double()
        probs = log_probs.exp()
        if self.track_tail and (not self._looks or log_probs.min() < _LOG_SMALLEST):
            tail = log_probs < _LOG_SMALLEST
            self._add_tail(log_probs.masked_fill(~tail, -torch.inf), labels)
            # Each entry goes to one of the two tables, never to both.
            probs = probs.masked_fill(tail, 0)

        self.prob_sum.index_add_(0, labels, probs)
        # 0 log 0 = 0, and not NaN, where a logit is -inf.
        plogp = probs * log_probs.clamp(min=_LOWEST)
        self.entropy_sum.index_add_(0, labels, -plogp.sum(1))
        self.log_prob_sum.index_add_(
            0, labels, log_probs.gather(1, labels[:, None]).squeeze(1)
        )
        self.counts.index_add_(0, labels, torch.ones_like(labels))
        predicted = log_probs.max(1).indices  # as argmax's, in two thirds of its time
        self.correct.index_add_(0, labels, (predicted == labels).long())

    def missing_classes(self) -> list[int]:
        """Classes without a sample, ascending."""
        return (self.counts == 0).nonzero().flatten().tolist()

    def is_finite(self) -> bool:
        """Whether every sum is finite; NaN or infinite logits make it False."""
        sums = (self.prob_sum, self.entropy_sum, self.log_prob_sum)
        return all(bool(s.isfinite().all()) for s in sums)

    def log_centroids(self) -> Tensor:
        """``log Q^y`` (eq. 13), [C, C] float64, one row per class.

        ``-inf`` where every sample of the row's class has a logit of ``-inf``.

        Raises:
            ValueError: some class has no sample, hence no centroid.
        """
        self._require_labels()
        missing = self.missing_classes()
        if missing:
            more = ', ...' if len(missing) > 10 else ''
            raise ValueError(
                f'no centroid for {len(missing)} of {self.num_classes} classes, they '
                f'have no sample: {str(missing[:10])[1:-1]}{more}'
            )
        log_sum = self.prob_sum.log()
        if self._log_tail is not None:
            log_sum = log_sum.logaddexp(self._log_tail)
        return log_sum - self.counts[:, None].double().log()

    def cmi_per_class(self) -> Tensor:
        """``I(X; Yhat | Y=y)`` (eq. 9) in nats, [C] float64; NaN without a sample."""
        centroids = self.prob_sum / self.counts[:, None]
        entropy_of_centroid = torch.special.entr(centroids).sum(1)
        # A mean of KL divergences cannot be negative, but where all predictions
        # of a class agree the two entropies may differ in the last bit.
        return (entropy_of_centroid - self.entropy_sum / self.counts).clamp(min=0)

    def cmi(self) -> float:
        """Empirical ``I(X; Yhat | Y)`` (eq. 12) in nats over the classes present."""
        present = self.counts > 0
        per_class = self.counts * self.cmi_per_class()
        return self._per_sample(per_class.where(present, 0))

    def surrogate(self, log_centroids: Tensor) -> float:
        """Mean ``KL(P_x || Q0^y)`` in nats for given [C, C] ``log Q0``.

        It is what the training loss rewards, and exceeds the CMI by
        ``sum_y p(y) KL(Q^y || Q0^y)``: the distance the centroids have moved.
        """
        log_q = log_centroids.to(self.prob_sum)
        cross = (self.prob_sum * log_q).where(self.prob_sum > 0, 0)  # 0 log 0 = 0
        kl_sum = -self.entropy_sum - cross.sum(1)
        return self._per_sample(kl_sum.clamp(min=0))  # as in cmi_per_class

    def log_likelihood(self) -> float:
        """Mean ``log P_x[y]`` (eq. 5) in nats."""
        return self._per_sample(self.log_prob_sum)

    def entropy(self) -> float:
        """Mean ``H(P_x)`` in nats."""
        return self._per_sample(self.entropy_sum)

    def accuracy(self) -> float:
        """Top-1 accuracy in per cent."""
        return 100 * self._per_sample(self.correct)

    def all_reduce(self) -> None:
        """Sum over all processes, in place; call it once, on every process.

        Nothing happens without an initialised ``torch.distributed``. A process
        may lack classes, or samples altogether.

        Raises:
            ValueError: a label was outside [0, C).
        """
        self._require_labels()
        if not (dist.is_available() and dist.is_initialized()):
            return
        sums = (
            *(self.prob_sum, self.entropy_sum, self.log_prob_sum),
            *(self.counts, self.correct),
        )
        has_tail = self.prob_sum.new_tensor([self._log_tail is not None])
        # One message; integers up to 2^53 are exact in float64.
        total = _reduced(
            torch.cat([s.double().flatten() for s in (*sums, has_tail)]),
            dist.ReduceOp.SUM,
        )
        *parts, tails = total.split([s.numel() for s in sums] + [1])
        for s, part in zip(sums, parts, strict=True):
            s.copy_(part.view_as(s))
        if tails > 0:
            tail = self._log_tail
            if tail is None:
                tail = torch.full_like(self.prob_sum, -torch.inf)
            shift = _reduced(tail, dist.ReduceOp.MAX).clamp(min=_LOWEST)
            mass = _reduced((tail - shift).exp(), dist.ReduceOp.SUM)
            self._log_tail = shift + mass.log()

    def _require_labels(self) -> None:
        if self._outside:
            raise ValueError(f'a label is not in [0, {self.num_classes})')

    def _per_sample(self, class_sums: Tensor) -> float:
        self._require_labels()
        # Two integers would be divided in float32.
        return float(class_sums.sum().double() / self.counts.sum())

    def _add_tail(self, log_probs: Tensor, labels: Tensor) -> None:
        """Stream a log-sum-exp per class, on the rows this batch touches."""
        if self._log_tail is None:
            self._log_tail = torch.full_like(self.prob_sum, -torch.inf)
        rows: Any = slice(None)
        index = labels
        if self._looks:
            rows, index = labels.unique(return_inverse=True)
        index = index[:, None].expand_as(log_probs)
        old = self._log_tail[rows]
        # -inf - -inf is NaN; a finite shift leaves empty entries empty.
        shift = old.scatter_reduce(0, index, log_probs, 'amax').clamp(min=_LOWEST)
        mass = (old - shift).exp()
        mass = mass.scatter_add(0, index, (log_probs - shift.gather(0, index)).exp())
        self._log_tail[rows] = shift + mass.log()

    def _check(self, log_probs: Tensor, labels: Tensor) -> None:
        if labels.ndim != 1 or labels.is_floating_point():
            raise ValueError(
                'hard labels are needed, [B] class ids: got '
                f'{list(labels.shape)} {labels.dtype}'
            )
        if log_probs.shape != (len(labels), self.num_classes):
            raise ValueError(
                f'predictions for {len(labels)} labels and {self.num_classes} classes '
                f'must be [{len(labels)}, {self.num_classes}]: '
                f'got {list(log_probs.shape)}'
            )
        if self._looks:
            ends = labels.aminmax() if len(labels) else ()
            for end in ends:  # one pass, where a mask would take three
                if not 0 <= end < self.num_classes:
                    raise ValueError(
                        f'label {end.item()} is not in [0, {self.num_classes})'
                    )


def _reduced(tensor: Tensor, op: dist.ReduceOp.RedOpType) -> Tensor:
    """A reduced copy of `tensor`; NCCL takes tensors on its own GPU only."""
    device = 'cuda' if dist.get_backend() == 'nccl' else tensor.device
    copy = tensor.to(device, copy=True)
    dist.all_reduce(copy, op)
    return copy.to(tensor.device)
