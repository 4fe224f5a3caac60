"""What can be said of runs with paired seeds: spread, difference, standard error."""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# A difference has to exceed so many of its standard errors to be called one.
STANDARD_ERRORS = 2


@dataclass(frozen=True)
class Spread:
    """Mean of n values and their standard deviation, which one value has not."""

    mean: float
    sd: float | None
    n: int

    def shown(self, digits: int) -> str:
        """``68.88 +- 0.11``, to so many decimal places."""
        sd = '' if self.sd is None else f' +- {self.sd:.{digits}f}'
        return f'{self.mean:.{digits}f}{sd}'


@dataclass(frozen=True)
class Difference:
    """Mean of n paired differences and its standard error."""

    mean: float
    se: float | None
    n: int

    @property
    def exceeds(self) -> bool | None:
        """Whether it exceeds twice its standard error; None with a single pair."""
        return None if self.se is None else abs(self.mean) > STANDARD_ERRORS * self.se

    def shown(self, digits: int) -> str:
        """``+0.31 +- 0.08``, to so many decimal places."""
        se = '' if self.se is None else f' +- {self.se:.{digits}f}'
        return f'{self.mean:+.{digits}f}{se}'


def spread(values: Iterable[float]) -> Spread | None:
    """Mean and sample standard deviation (n - 1); None without a value."""
    values = list(values)
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), sd, len(values))


def paired(these: Mapping[int, float], those: Mapping[int, float]) -> Difference | None:
    """Mean of ``these - those`` by seed, and its standard error, sd / sqrt n.

    A seed that only one of them has is no pair; None without a pair.
    """
    found = spread(these[seed] - those[seed] for seed in these if seed in those)
    if found is None:
        return None
    se = None if found.sd is None else found.sd / math.sqrt(found.n)
    return Difference(found.mean, se, found.n)


def difference_in_words(
    name: str, difference: Difference, other: str, digits: int = 2
) -> str:
    """One line that says of a difference what it is worth.

    ``MCMI 0.5: +0.31 +- 0.08 against lambda = 0 (n = 5 pairs): exceeds twice its
    standard error``
    """
    n = f'n = {difference.n} pair' + 's' * (difference.n > 1)
    verdict = {
        None: 'one pair has no spread, so this may be chance',
        True: 'exceeds twice its standard error',
        False: 'within twice its standard error',
    }[difference.exceeds]
    return f'{name}: {difference.shown(digits)} against {other} ({n}): {verdict}'
