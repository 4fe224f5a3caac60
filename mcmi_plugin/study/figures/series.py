"""From a study's runs to what a figure draws: rows, arms, mean and spread."""

from collections.abc import Sequence
from typing import Any

from mcmi_plugin.errors import UserError

# What the axes say. A measure that is not here is called by its own name.
WORDS = dict(
    student_accuracy='student accuracy, %',
    teacher_accuracy='teacher accuracy, %',
    teacher_cmi='teacher CMI, nats',
    teacher_ll='teacher LL, nats',
    teacher_entropy='teacher entropy, nats',
    teacher_cmi_at_tau='teacher CMI at its temperature, nats',
    dropped_accuracy='accuracy on dropped classes, %',
    preserved_accuracy='accuracy on preserved classes, %',
    teacher_pdist='Pdist to the true BCPD',
    teacher_people_kl='KL(people || teacher), nats',
    student_people_kl='KL(people || student), nats',
    teacher_people_distance='distance teacher to people, x 100',
    student_people_distance='distance student to people, x 100',
)


def words(measure: str) -> str:
    """A measure's name and unit, as an axis shows them."""
    return WORDS.get(measure, measure.replace('_', ' '))


def where(results: list[dict], grid: dict[str, str] | None) -> list[dict]:
    """The runs of some cells of the grid.

    Args:
        results: of the study.
        grid: {axis: name}; None for all.

    Raises:
        UserError: there is no such run.
    """
    wanted = (grid or {}).items()
    found = [r for r in results if all(r['grid'].get(k) == v for k, v in wanted)]
    if not found:
        raise UserError(
            f'study.figures: no finished run has {dict(wanted)}; the grid is '
            f'{rows_of(results)}'
        )
    return found


def rows_of(results: list[dict], without: str | None = None) -> list[dict]:
    """The different cells of the grid in their order, one axis left out."""
    rows: list[dict] = []
    for result in results:
        row = {k: v for k, v in result['grid'].items() if k != without}
        if row not in rows:
            rows.append(row)
    return rows


def only_row(results: list[dict], figure: str) -> dict[str, str]:
    """The cell of the grid, where a figure shows a single one.

    Raises:
        UserError: there are several.
    """
    rows = rows_of(results)
    if len(rows) > 1:
        raise UserError(
            f'study.figures: {figure} shows one cell of the grid, not {len(rows)}; '
            f'name it: grid={rows[0]}'
        )
    return rows[0]


def row_title(row: dict[str, str]) -> str:
    """``T = 4, method = KD``."""
    return ', '.join(f'{axis} = {name}' for axis, name in row.items())


def arms_of(results: list[dict], arms: Sequence[str] | None = None) -> list[str]:
    """Names of the arms in their order, or of those asked for that have run."""
    found = list(dict.fromkeys(result['arm'] for result in results))
    return [arm for arm in arms if arm in found] if arms else found


def by_seed(results: list[dict], measure: str, arm: str, row: dict) -> dict[int, Any]:
    """{seed: measured} of an arm in a cell; runs without the measure are left out."""
    return {
        result['seed']: result['values'][measure]
        for result in results
        if result['arm'] == arm
        and row.items() <= result['grid'].items()
        and result['values'].get(measure) is not None
    }


def runs(results: list[dict], drawn: Sequence[str] | None = None) -> str:
    """``n = 5 seeds``, or ``n = 3 to 5`` where not every run has finished."""
    counts: dict[tuple, int] = {}
    for result in results:
        if drawn is None or result['arm'] in drawn:
            cell = (*result['grid'].values(), result['arm'])
            counts[cell] = counts.get(cell, 0) + 1
    least, most = min(counts.values()), max(counts.values())
    if least != most:
        return f'n = {least} to {most} seeds'
    return f'n = {most} seed' + 's' * (most != 1)
