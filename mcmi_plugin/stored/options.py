"""What can be said about a store: the key ``teacher_store`` of a config."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.values import require_one_of, require_options, require_whole
from mcmi_plugin.stored.records import DTYPES


@dataclass(frozen=True)
class StoreOptions:
    """How a teacher's outputs are kept; ``teacher_store=True`` is all defaults.

    Args:
        dtype: ``'float16'``, ``'float32'`` (the student is the same to the last bit as
            with the live teacher, on the CPU) or ``'int8'`` with a scale per row.
        dir: folder of all stores; by default ``teacher_outputs`` beside the work dir.
        views: of each image under random resized crops, whose number is without end
            otherwise; it changes the augmentation, so nothing is taken for granted.
        seed: of those views.
        mean: folders of other teachers' stores of the same data and pipeline, all of
            their rows there: the student learns from the mean of their logits and of
            this teacher's.

    Raises:
        UserError: a value out of its range; the line names the key.
    """

    dtype: str = 'float16'
    dir: str | None = None
    views: int | None = None
    seed: int = 0
    mean: Sequence[str] = ()

    def __post_init__(self) -> None:
        require_one_of('teacher_store.dtype', self.dtype, DTYPES)
        if isinstance(self.mean, str):
            object.__setattr__(self, 'mean', (self.mean,))
        if self.views is not None:
            require_whole('teacher_store.views', self.views, 1)
        require_whole('teacher_store.seed', self.seed, 0)


def read_options(given: object) -> dict | None:
    """The options that ``teacher_store`` gives; None where it is off.

    Raises:
        UserError: it is neither True nor False nor a dict of the options.
    """
    if given is None or given is False:
        return None
    if given is True:
        return {}
    if not isinstance(given, dict):
        raise UserError(
            f'teacher_store={given!r}: must be True, False, or a dict of '
            f'{", ".join(_KEYS)}'
        )
    require_options('teacher_store', given, _KEYS)
    StoreOptions(**given)
    return dict(given)


_KEYS = [field.name for field in fields(StoreOptions)]
