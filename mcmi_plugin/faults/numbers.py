"""What counts as a number in a config: neither ``True`` nor NaN."""

import math
from typing import Any, TypeGuard


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether it is a number that is neither NaN nor infinite."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def is_whole(value: Any, least: int) -> TypeGuard[int]:
    """Whether it is a whole number from ``least`` on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
