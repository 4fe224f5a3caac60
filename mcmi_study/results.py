"""A study's runs, as its table, its verdicts and its figures ask for them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.paired import Difference, Spread, paired, spread

# What columns and axes say. A measure that is not here is called by its own name.
WORDS = dict(
    student_accuracy='student accuracy, %',
    teacher_accuracy='teacher accuracy, %',
    teacher_cmi='teacher CMI, nats',
    teacher_ll='teacher LL, nats',
    teacher_cmi_per_class='CMI of a class, nats',
    teacher_entropy='teacher entropy, nats',
    teacher_cmi_at_tau='teacher CMI at its temperature, nats',
    dropped_accuracy='accuracy on dropped classes, %',
    preserved_accuracy='accuracy on preserved classes, %',
    teacher_pdist='Pdist to the true BCPD',
    student_ll='student LL, nats',
    held_out_accuracy="student's held-out accuracy, %",
)
_PEOPLE = dict(  # measures_people.py
    kl='KL(people || {who}), nats',
    kl_fitted='KL(people || {who}) fitted, nats',
    distance='distance {who} to people, x 100',
    distance_fitted='distance {who} to people fitted, x 100',
    temperature='T that fits {who} to people',
    correlation='correlation of {who} and people',
    entropy_correlation='correlation of their entropies, {who}',
)
WORDS |= {
    f'{who}_people_{figure}': said.format(who=who)
    for who in ('teacher', 'student')
    for figure, said in _PEOPLE.items()
}
# Per cent to two decimal places, nats and correlations to four.
_FINER = ('_ll', '_cmi', '_entropy', '_at_tau', '_kl', '_kl_fitted', '_correlation')


def words(measure: str) -> str:
    """A measure's name and unit."""
    return WORDS.get(measure, measure.replace('_', ' '))


def digits(measure: str) -> int:
    """Decimal places that a measure is shown with."""
    return 4 if measure.endswith(_FINER) else 2


def row_title(row: dict[str, str]) -> str:
    """``T = 4, method = KD``."""
    return ', '.join(f'{axis} = {name}' for axis, name in row.items())


@dataclass(frozen=True)
class Results:
    """Finished runs, each as ``result.json`` keeps it."""

    runs: Sequence[dict]

    def where(self, grid: dict[str, str] | None) -> 'Results':
        """Those of some cells of the grid.

        Raises:
            UserError: there is no such run.
        """
        wanted = (grid or {}).items()
        found = [run for run in self.runs if wanted <= run['grid'].items()]
        if not found:
            raise UserError(
                f'study.figures: no finished run has {dict(wanted)}; the grid is '
                f'{self.rows()}'
            )
        return Results(found)

    def rows(self, without: str | None = None) -> list[dict]:
        """The different cells of the grid in their order, one axis left out."""
        rows: list[dict] = []
        for run in self.runs:
            row = {k: v for k, v in run['grid'].items() if k != without}
            if row not in rows:
                rows.append(row)
        return rows

    def only_row(self, figure: str) -> dict[str, str]:
        """The cell of the grid, where a figure shows a single one.

        Raises:
            UserError: there are several.
        """
        row, *others = self.rows()
        if others:
            raise UserError(
                f'study.figures: {figure} shows one cell of the grid, not '
                f'{1 + len(others)}; name it: grid={row}'
            )
        return row

    def arms(self, wanted: Sequence[str] | None = None) -> list[str]:
        """Names of the arms in their order, or of those asked for that have run."""
        found = list(dict.fromkeys(run['arm'] for run in self.runs))
        return [arm for arm in wanted if arm in found] if wanted else found

    def having(self, measure: str, arms: Sequence[str]) -> list[str]:
        """Those of the arms that have the measure in some run.

        Raises:
            UserError: none has.
        """
        found = [arm for arm in arms if self.by_seed(measure, arm, {})]
        if not found:
            raise UserError(f'study.figures: no run of {", ".join(arms)} has {measure}')
        return found

    def arrays_of_one_seed(
        self, measure: str, arms: Sequence[str]
    ) -> tuple[int, dict[str, Mapping[str, np.ndarray]]]:
        """The lowest of the seeds that most arms have, and {arm: arrays} of it.

        The measure is the path of an .npz file that the run has written.

        Raises:
            UserError: no run has the measure, or the file is gone.
        """
        found = {a: self.by_seed(measure, a, {}) for a in self.having(measure, arms)}
        counted = Counter(seed for runs in found.values() for seed in runs)
        seed = min(counted, key=lambda seed: (-counted[seed], seed))
        # In the run's folder, wherever that is by now.
        paths = {
            run['arm']: Path(run['directory'], Path(run['values'][measure]).name)
            for run in self.runs
            if run['seed'] == seed and seed in found.get(run['arm'], ())
        }
        for path in paths.values():
            if not path.is_file():
                raise UserError(
                    f'{path}, which it is drawn from, is gone; remove the result.json '
                    'of its folder, then run the study again'
                )
        return seed, {arm: np.load(path) for arm, path in paths.items()}

    def by_seed(self, measure: str, arm: str, row: dict) -> dict[int, Any]:
        """{seed: measured} of an arm in a cell; runs without the measure left out."""
        return {
            run['seed']: run['values'][measure]
            for run in self.runs
            if run['arm'] == arm
            and row.items() <= run['grid'].items()
            and run['values'].get(measure) is not None
        }

    def spread(self, measure: str, arm: str, row: dict) -> Spread | None:
        """Mean and standard deviation over the seeds; None without a run."""
        return spread(self.by_seed(measure, arm, row).values())

    def gain(self, measure: str, arm: str, over: str, row: dict) -> Difference | None:
        """The difference to another arm, paired by seed; None without a pair."""
        these, those = (self.by_seed(measure, name, row) for name in (arm, over))
        return paired(these, those)

    def counts(self, drawn: Sequence[str] | None = None) -> list[int]:
        """How many seeds each arm has in each cell."""
        found = [
            sum(run['arm'] == arm and run['grid'] == row for run in self.runs)
            for row in self.rows()
            for arm in (drawn or self.arms())
        ]
        return [number for number in found if number]

    def n(self, drawn: Sequence[str] | None = None) -> str:
        """``n = 5 seeds``, or ``n = 3 to 5`` where not every run has finished."""
        counts = self.counts(drawn)
        least, most = min(counts), max(counts)
        if least != most:
            return f'n = {least} to {most} seeds'
        return f'n = {most} seed' + 's' * (most != 1)
