"""Ours against a baseline, in turn: A B A B, so that drift strikes both alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Difference(AssertionError):
    """The two sides of a contest do not compute the same: no ratio means anything."""


class NotHere(Exception):
    """A suite cannot run on this machine; the message says why, in one line."""


@dataclass
class Contest:
    """Two ways to the same result.

    Attributes:
        name: the suite's, with the baseline in brackets where it has several; the
            key of its line in :mod:`.reach`.
        ours, baseline: one call each is what is timed.
        check: runs both and raises :class:`Difference`; it is the warm-up too.
        ours_is, baseline_is: what they are, for the table.
        rounds: of one call each.
        units: how many ``unit`` a call works off, for the times in the aside.
        unit: what is counted: 'iteration', 'image', 'epoch' ...
    """

    name: str
    ours: Callable[[], object]
    baseline: Callable[[], object]
    check: Callable[[], None]
    ours_is: str
    baseline_is: str
    rounds: int = 7
    units: int = 1
    unit: str = 'run'


@dataclass
class Figure:
    """A number that is no contest of times: memory, the size of a checkpoint.

    Attributes:
        name: key of its line in :mod:`.reach`, if a value is to be reached.
        value: in ``unit``.
        what: one line that says how it was found.
    """

    name: str
    value: float
    unit: str
    what: str


@dataclass
class Result:
    """The times of a contest, in seconds per unit, round by round."""

    contest: Contest
    ours: list[float]
    baseline: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours / baseline of each round; smaller is better."""
        return [a / b for a, b in zip(self.ours, self.baseline, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of :attr:`ratios`."""
        return statistics.median(self.ratios)


def measure(
    contest: Contest,
    rounds: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Result:
    """Check that both sides agree, then time them in turn.

    Args:
        contest: what to compare.
        rounds: in place of the contest's own number.
        clock: seconds.

    Raises:
        Difference: they compute different things.
    """
    contest.check()

    def timed(call: Callable[[], object]) -> float:
        start = clock()
        call()
        return (clock() - start) / contest.units

    ours, baseline = [], []
    for _ in range(rounds or contest.rounds):
        ours.append(timed(contest.ours))
        baseline.append(timed(contest.baseline))
    return Result(contest, ours, baseline)


def require_close(
    what: str, ours: Tensor | float, baseline: Tensor | float, rtol: float
) -> None:
    """Raise unless two results agree up to the order of additions.

    Args:
        what: the result's name, for the error.
        ours, baseline: numbers or tensors of one shape.
        rtol: largest difference allowed, relative to the baseline's largest entry.

    Raises:
        Difference: they do not.
    """
    ours, baseline = torch.as_tensor(ours), torch.as_tensor(baseline)
    if ours.shape != baseline.shape:
        raise Difference(
            f'{what}: ours has shape {list(ours.shape)}, the baseline '
            f'{list(baseline.shape)}'
        )
    ours, baseline = ours.detach().double().cpu(), baseline.detach().double().cpu()
    difference = float((ours - baseline).abs().max())
    scale = float(baseline.abs().max())
    if not difference <= rtol * scale:  # NaN differs
        raise Difference(
            f'{what}: ours and the baseline differ by {difference:.2g} where at most '
            f'{rtol * scale:.2g} is rounding'
        )


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters, and of all floating buffers, each as one vector."""
    kinds = dict(parameters=network.parameters(), buffers=network.buffers())
    flat = {
        kind: [t.detach().flatten().clone() for t in tensors if t.is_floating_point()]
        for kind, tensors in kinds.items()
    }
    return {kind: torch.cat(parts) for kind, parts in flat.items() if parts}


def require_same_training(
    ours: nn.Module, baseline: nn.Module, start: dict[str, Tensor], rtol: float
) -> None:
    """Raise unless two like networks were changed alike.

    Args:
        ours, baseline: trained from the same weights.
        start: :func:`weights_of` either before.
        rtol: allowed distance between them, relative to the way they came.

    Raises:
        Difference: they are further apart, or did not move at all.
    """
    found, expected = weights_of(ours), weights_of(baseline)
    for kind, before in start.items():
        apart = float((found[kind] - expected[kind]).norm())
        way = float((expected[kind] - before).norm())
        if not way > 0 or not apart <= rtol * way:
            raise Difference(
                f'{kind} after training: ours and the baseline are {apart:.2g} apart, '
                f'the way from the start is {way:.2g}; rounding is {rtol:.2g} of that'
            )
