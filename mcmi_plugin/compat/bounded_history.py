"""Metric histories that cost the same at every iteration and do not grow."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

# In memory: more iterations than any epoch that is logged as a whole ('epoch'
# windows); ImageNet at batch 10 has 128,117. Twice as many may be there for a while.
KEPT = 131_072
# In a checkpoint: the largest window asked for so far, but at least this many;
# mmengine's LogProcessor asks for 10 unless told otherwise.
SAVED = 100
_ROOM = 256  # of a new history, in entries
_STATISTICS = ('mean', 'min', 'max')


class Series:
    """Numbers in the order they came, as ``np.append`` would have them.

    An array with room to spare that doubles when it is full, so that an entry
    costs the same however many there are. As with ``np.append``, integers stay
    integers until the first other number.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.length = len(values)
        self.array = np.empty(max(_ROOM, 2 * self.length), values.dtype)
        self.array[: self.length] = values
        self.array_type = type(np.zeros(1, values.dtype).item())  # float, mostly

    def append(self, value: float) -> None:
        if type(value) is not self.array_type:
            self._make_fit(value)
        if self.length == len(self.array):
            self.array = np.concatenate([self.array, np.empty_like(self.array)])
        self.array[self.length] = value
        self.length += 1

    def _make_fit(self, value: float) -> None:
        dtype = np.result_type(self.array.dtype, np.asarray(value).dtype)
        if dtype != self.array.dtype:
            self.array = self.array.astype(dtype)
            self.array_type = type(np.zeros(1, dtype).item())

    def forget(self, count: int) -> np.ndarray:
        """Take out the first ``count`` entries and return them."""
        first, rest = self.array[:count].copy(), self.array[count : self.length]
        self.length -= count
        self.array[: self.length] = rest.copy()
        return first

    def last(self, count: int) -> np.ndarray:
        """A view of the last ``count`` entries, or of all if there are fewer."""
        return self.array[max(0, self.length - count) : self.length]


def bound_metric_history() -> None:
    """Make ``HistoryBuffer.update`` cost the same always, and its pickle small.

    What upstream gets wrong: ``update`` is ``np.append`` on up to 1,000,000
    entries, twice for every scalar of every iteration, which copies the whole
    history: after 200,000 iterations it takes longer than a small model's step.
    All of it goes into every checkpoint, 24 MB for a CIFAR run.

    The mend: the last ``KEPT`` entries stay, the others are summed up in number,
    sum, minimum and maximum, so that statistics over everything stay exact; those
    over a window are exact up to ``KEPT`` entries. A checkpoint holds the last
    ``SAVED`` entries (or the largest window asked for) and the sums. Upstream's
    pickle is read as it is; ours reads in a plain mmengine, which there knows the
    last entries alone. A ``max_length`` below ``2 * KEPT`` counts as upstream's.

    It falls away when ``update`` no longer calls ``np.append``.
    """
    from mmengine.logging.history_buffer import HistoryBuffer

    if 'np.append' not in inspect.getsource(HistoryBuffer.update):
        return
    # The names under which they are pickled stay upstream's.
    own: dict[str, Callable] = dict(
        update=_update, __getstate__=_get_state, __setstate__=_set_state
    )
    for name, method in own.items():
        functools.update_wrapper(method, getattr(HistoryBuffer, name))
        setattr(HistoryBuffer, name, method)
    for name in _STATISTICS:
        method = _over_everything(getattr(HistoryBuffer, name), name)
        setattr(HistoryBuffer, name, method)
        HistoryBuffer._statistics_methods[name] = method
    # Upstream's __init__ and current(), and statistics that a user registers.
    HistoryBuffer._log_history = _history_property('_values')
    HistoryBuffer._count_history = _history_property('_counts')


def _history_property(series: str) -> property:
    def read(self) -> np.ndarray:
        return getattr(self, series).last(self.max_length)

    def write(self, history: np.ndarray) -> None:
        setattr(self, series, Series(np.asarray(history)))

    return property(read, write)


def _update(self, log_val: float, count: int = 1) -> None:
    if not isinstance(log_val, (int, float)) or not isinstance(count, (int, float)):
        raise TypeError(
            'a log value and its count must be int or float, got '
            f'{type(log_val).__name__} and {type(count).__name__}'
        )
    self._values.append(log_val)
    self._counts.append(count)
    kept = KEPT if _sums_up(self) else self.max_length
    if self._values.length >= 2 * kept:
        first = self._values.forget(kept), self._counts.forget(kept)
        if _sums_up(self):
            self._before = _summed_up(_before(self), *first)


def _sums_up(buffer) -> bool:
    return buffer.max_length >= 2 * KEPT


def _before(buffer) -> dict[str, float]:
    """Number, sums and extremes of the entries that are no longer kept."""
    return buffer.__dict__.get('_before', {})


def _summed_up(before: dict, values: np.ndarray, counts: np.ndarray) -> dict:
    if len(values) == 0:
        return before
    new = dict(
        length=len(values),
        values=values.sum().item(),
        counts=counts.sum().item(),
        min=values.min().item(),
        max=values.max().item(),
    )
    if not before:
        return new
    # np.minimum, because Python's min() would lose a NaN.
    extremes = dict(
        min=np.minimum(before['min'], new['min']).item(),
        max=np.maximum(before['max'], new['max']).item(),
    )
    return {key: before[key] + new[key] for key in new} | extremes


def _over_everything(statistic, name: str):
    """Upstream's ``statistic`` over a window, or over all that there ever was."""

    @functools.wraps(statistic)
    def over_window(self, window_size: int | None = None) -> np.number:
        before, kept = _before(self), self._values.length
        if (
            isinstance(window_size, int)
            and window_size < before.get('length', 0) + kept
        ):
            self._largest_window = max(
                self.__dict__.get('_largest_window', 0), window_size
            )
            return statistic(self, window_size)
        if not before or not (window_size is None or isinstance(window_size, int)):
            return statistic(self, window_size)
        everything = _summed_up(before, *self.data)
        if name == 'mean':
            return np.float64(everything['values']) / everything['counts']
        return np.float64(everything[name])

    return over_window


def _get_state(self) -> dict[str, Any]:
    values, counts = self.data
    before = _before(self)
    if _sums_up(self):
        window = max(SAVED, self.__dict__.get('_largest_window', 0))
        older = max(0, len(values) - window)
        before = _summed_up(before, values[:older], counts[:older])
        values, counts = values[older:], counts[older:]
    own = ('_values', '_counts')
    return {k: v for k, v in self.__dict__.items() if k not in own} | dict(
        _log_history=values.copy(),
        _count_history=counts.copy(),
        _before=before,
        statistics_methods=self._statistics_methods,
    )


def _set_state(self, state: dict[str, Any]) -> None:
    state = dict(state)
    self._set_default_statistics()
    self._statistics_methods.update(state.pop('statistics_methods', {}))
    self.max_length = state.pop('max_length')
    self._log_history = state.pop('_log_history')
    self._count_history = state.pop('_count_history')
    self.__dict__.update(state)
