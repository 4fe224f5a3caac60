"""Table and verdicts of a study's report."""

from collections.abc import Iterable
from typing import Any

from mcmi_plugin.shown.blocks import Table
from mcmi_plugin.shown.paired import difference_in_words
from mcmi_study.plan import Study
from mcmi_study.results import Results, digits, words


def table_of(
    study: Study, results: Results, measures: Iterable[str], caption: str
) -> Table:
    """A row for each arm in each place of the grid.

    Args:
        measures: those to show; the ones that are no numbers are left out.
        caption: of the table.
    """
    numbers = numbers_among(measures, results)
    control: Any = study.content.get('control')
    compared = [m for m in study.compared if m in numbers] if control else []
    printed = study.content.get('paper') or []
    shared = [m for m in numbers if any(m in row for row in printed)]
    columns = [*study.grid, 'arm', 'n', *map(words, numbers)]
    columns += [f'{words(m)}, difference to {control}' for m in compared]
    columns += [f"paper's {words(m)}" for m in shared]
    rows = []
    for grid in results.rows():
        for arm in study.arms:
            n = sum(run['grid'] == grid and run['arm'] == arm for run in results.runs)
            row = [*grid.values(), arm, str(n)]
            row += [_shown(results, m, arm, grid) for m in numbers]
            for m in compared:
                found = arm != control and results.gain(m, arm, control, grid)
                row.append(found.shown(digits(m)) if found else '')
            paper = _printed(printed, grid, arm)
            rows.append(row + [str(paper.get(m, '')) for m in shared])
    return Table(columns, rows, caption)


def verdict_lines(study: Study, results: Results) -> list[str]:
    """Each arm against the control and the baseline, in words.

    One line of all where single runs have nothing to tell a difference from chance by.
    """
    if max(results.counts()) == 1:
        return [
            'n = 1: a single run shows no spread, so any difference in the table may '
            'be chance; --seeds N runs more'
        ]
    lines = []
    baseline: Any = study.content.get('baseline')
    others = [study.content.get('control'), baseline]
    for measure in numbers_among(study.compared, results):
        for grid in results.rows():
            where = ''.join(f'{axis} {name}, ' for axis, name in grid.items())
            if measure != study.compared[0]:
                where = f'{words(measure)}, {where}'
            for arm in study.arms:
                for other in others:
                    if other is None or arm in (other, baseline):
                        continue
                    found = results.gain(measure, arm, other, grid)
                    if found:
                        name = f'{where}{arm}'
                        lines.append(
                            difference_in_words(name, found, other, digits(measure))
                        )
    return lines


def _shown(results: Results, measure: str, arm: str, grid: dict) -> str:
    values = list(results.by_seed(measure, arm, grid).values())
    if values and all(isinstance(value, bool) for value in values):
        return f'{sum(values)} of {len(values)}'
    found = results.spread(measure, arm, grid)
    return found.shown(digits(measure)) if found else '-'


def numbers_among(measures: Iterable[str], results: Results) -> list[str]:
    """Those that are a number in some run."""
    found = [run['values'] for run in results.runs]
    return [
        m for m in measures if any(isinstance(v.get(m), (int, float)) for v in found)
    ]


def _printed(paper: list[dict], grid: dict, arm: str) -> dict:
    for row in paper:
        if row['arm'] == arm and row.get('grid', {}).items() <= grid.items():
            return row
    return {}
