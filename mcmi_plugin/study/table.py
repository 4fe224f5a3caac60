"""Rows and verdicts of a study's report."""

from collections.abc import Iterable
from typing import Any

from mcmi_plugin.study.compare import in_words, paired, spread
from mcmi_plugin.study.figures.series import words
from mcmi_plugin.study.plan import Study

# Per cent to two decimal places, nats and correlations to four.
FINER = ('_ll', '_cmi', '_entropy', '_at_tau', '_kl', '_kl_fitted', '_correlation')


def table_rows(
    study: Study, results: list[dict], measures: Iterable[str]
) -> tuple[list[str], list[list[str]]]:
    """Header and rows, one for each arm in each place of the grid.

    Args:
        measures: those to show; the ones that are no numbers are left out.
    """
    numbers = [m for m in measures if any(_is_number(r, m) for r in results)]
    control: Any = study.content.get('control')
    compared = [m for m in study.compared if m in numbers] if control else []
    printed = study.content.get('paper') or []
    shared = [m for m in numbers if any(m in row for row in printed)]
    header = [*study.grid, 'arm', 'n', *map(words, numbers)]
    header += [f'{words(m)}, difference to {control}' for m in compared]
    header += [f"paper's {words(m)}" for m in shared]
    rows = []
    for grid in places(results):
        for arm in study.arms:
            values = {m: by_seed(results, grid, arm, m) for m in numbers}
            n = sum(r['grid'] == grid and r['arm'] == arm for r in results)
            row = [*grid.values(), arm, str(n)]
            row += [_shown(m, list(values[m].values())) for m in numbers]
            for m in compared:
                other = by_seed(results, grid, control, m)
                found = paired(values[m], other) if arm != control else None
                row.append(found.shown(digits(m)) if found else '')
            paper = _printed(printed, grid, arm)
            rows.append(row + [str(paper.get(m, '')) for m in shared])
    return header, rows


def verdict_lines(study: Study, results: list[dict]) -> list[str]:
    """Each arm against the control and the baseline, in words."""
    lines = []
    content = study.content
    for measure in study.compared:
        for grid in places(results):
            where = ''.join(f'{axis} {name}, ' for axis, name in grid.items())
            if measure != study.compared[0]:
                where = f'{words(measure)}, {where}'
            for arm in study.arms:
                for other in (content.get('control'), content.get('baseline')):
                    if other is None or arm in (other, content.get('baseline')):
                        continue
                    these = by_seed(results, grid, arm, measure)
                    found = paired(these, by_seed(results, grid, other, measure))
                    if found:
                        name = f'{where}{arm}'
                        lines.append(in_words(name, found, other, digits(measure)))
    if max(by_cell(results).values()) == 1:
        lines.append('n = 1: a single run shows no spread, and no difference by itself')
    return lines


def places(results: list[dict]) -> list[dict]:
    """The places in the grid, in order."""
    found = {tuple(r['grid'].items()): r['grid'] for r in results}
    return list(found.values())


def by_cell(results: list[dict]) -> dict[tuple, int]:
    """Number of runs of each arm in each place."""
    counts: dict[tuple, int] = {}
    for r in results:
        key = (*r['grid'].values(), r['arm'])
        counts[key] = counts.get(key, 0) + 1
    return counts


def by_seed(results: list[dict], grid: dict, arm: str, measure: str) -> dict:
    """{seed: number} of one measure."""
    return {
        r['seed']: r['values'][measure]
        for r in results
        if r['grid'] == grid and r['arm'] == arm and _is_number(r, measure)
    }


def digits(measure: str) -> int:
    """Decimal places that a measure is shown with."""
    return 4 if measure.endswith(FINER) else 2


def _shown(measure: str, values: list) -> str:
    if values and all(isinstance(value, bool) for value in values):
        return f'{sum(values)} of {len(values)}'
    found = spread(values)
    return found.shown(digits(measure)) if found else '-'


def _is_number(result: dict, measure: str) -> bool:
    return isinstance(result['values'].get(measure), (int, float))


def _printed(paper: list[dict], grid: dict, arm: str) -> dict:
    for row in paper:
        if row['arm'] == arm and row.get('grid', {}).items() <= grid.items():
            return row
    return {}
