"""Which weights of a file find their place in a model, and which do not."""

from dataclasses import dataclass

from torch import Tensor

from mcmi_plugin.errors import some_of
from mcmi_plugin.weights.loading import OPTIONAL


@dataclass(frozen=True)
class Placement:
    """Where the weights of a file have come to lie.

    Attributes:
        state: every weight of the model by its key; what the model can do without
            (batch norm's counters) is its own where the file has none.
        num_placed: keys of the file that have found their place.
        unplaced: keys of the file that have not, and why.
        missing: keys of the model that the file has nothing for.
        num_classes: of the file and of the model, if nothing but the classifier
            does not fit; else None.
        classifier: then, the file's keys of it.
    """

    state: dict[str, Tensor]
    num_placed: int
    unplaced: dict[str, str]
    missing: list[str]
    num_classes: tuple[int, int] | None
    classifier: tuple[str, ...]

    def fault(self) -> str | None:
        """Why the model cannot be loaded with it, in one line; None if it can."""
        if self.num_classes:
            return '{} classes in the file, {} in the model'.format(*self.num_classes)
        faults = [
            f'{what}: {len(keys)} ({some_of(keys)})'
            for what, keys in (
                ('keys without a place in the model', list(self.unplaced)),
                ('keys of the model without a value', self.missing),
            )
            if keys
        ]
        return '; '.join(faults) or None


def place_weights(
    state: dict[str, Tensor],
    names: dict[str, str],
    wanted: dict[str, Tensor],
    num_classes: int | None = None,
) -> Placement:
    """Account for every weight of a file and of a model.

    Args:
        num_classes: of the model; None if it does not tell.
    """
    placed, unplaced, rows = {}, {}, []
    for key, value in state.items():
        place = names.get(key)
        if place not in wanted:
            unplaced[key] = 'has no place'
        elif value.shape != wanted[place].shape:
            have, want = tuple(value.shape), tuple(wanted[place].shape)
            unplaced[key] = f'is {have}, but {place} {want}'
            if have and want and have[1:] == want[1:]:
                rows.append((have[0], want[0]))
        else:
            placed[place] = value
    taken = {names.get(key) for key in state}
    missing = [k for k in wanted if k not in taken and not OPTIONAL.search(k)]
    # Other weights may differ in their rows too, as a Swin's tables of positions do.
    only_rows = (
        len(rows) == len(unplaced)
        and len(set(rows)) == 1
        and num_classes in (None, rows[0][1])
        and not missing
    )
    return Placement(
        state={key: placed.get(key, own).clone() for key, own in wanted.items()},
        num_placed=len(placed),
        unplaced=unplaced,
        missing=missing,
        num_classes=rows[0] if only_rows else None,
        classifier=tuple(unplaced) if only_rows else (),
    )
