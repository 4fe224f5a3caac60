"""Values of a config that are what they must be; ``True`` and NaN are no numbers."""

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any, TypeGuard

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.closest import did_you_mean


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether it is a number that is neither NaN nor infinite."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def is_whole_number(value: Any, least: int) -> TypeGuard[int]:
    """Whether it is a whole number from ``least`` on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def require_number(key: str, value: Any, accept: Callable, valid: str) -> None:
    """``value`` is a finite number that ``accept`` takes.

    Raises:
        UserError: it is not; the line says in the words ``valid`` what it must be.
    """
    if not is_finite(value) or not accept(value):
        raise UserError(f'{key}={value!r}: must be a finite number, {valid}')


def require_whole(key: str, value: Any, least: int) -> None:
    """``value`` is a whole number from ``least`` on.

    Raises:
        UserError: it is not.
    """
    if not is_whole_number(value, least):
        raise UserError(f'{key}={value!r}: must be a whole number from {least} on')


def require_one_of(key: str, value: Any, valid: Sequence) -> None:
    """``value`` is one of ``valid``.

    Raises:
        UserError: it is not; the line names the closest one, and all of them.
    """
    if value not in valid:
        names = [*map(str, valid)]
        hint = f'; {did_you_mean(str(value), names)}'.rstrip('; ')
        raise UserError(f'{key}={value!r}: must be one of {", ".join(names)}{hint}')


def require_options(of: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Every key of ``given`` is an option of ``of``.

    Raises:
        UserError: one is not; the line names the closest one, and all of them.
    """
    for key in given:
        if key not in known:
            hint = f'{did_you_mean(key, known, f"{of}.")} '.lstrip()
            raise UserError(f'{of}.{key} is no option; {hint}({", ".join(known)})')
