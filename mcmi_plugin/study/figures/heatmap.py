"""Gain over a control on a grid of two temperatures (Fig. 8 of the paper)."""

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.report.heatmap import draw_differences
from mcmi_plugin.report.style import new_figure, save
from mcmi_plugin.study.compare import paired

from . import series


def heatmap(
    results: list[dict],
    path: str,
    rows: str,
    columns: str,
    arm: str = 'MCMI',
    baseline: str = 'MLL',
    measure: str = 'student_accuracy',
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """Differences of an arm to a control, paired by seed, cell by cell.

    Args:
        results: of the study.
        path: of the PNG.
        rows, columns: axes of the grid that go down and across; one axis that is
            called ``'ROWS / COLUMNS'`` and so has its names is taken for two.
        arm: minuend.
        baseline: subtrahend.
        measure: name of a number.
        grid: {axis: name} to draw a part of the grid.
        title: above what the figure says of itself.
    """
    results = [_in_two(result) for result in series.where(results, grid)]
    down, across = (
        list(dict.fromkeys(result['grid'][axis] for result in results))
        for axis in (rows, columns)
    )
    means = np.full((len(down), len(across)), np.nan)
    errors = means.copy()
    for i, j in np.ndindex(means.shape):
        row = {rows: down[i], columns: across[j]}
        of_arm, of_baseline = (
            series.by_seed(results, measure, name, row) for name in (arm, baseline)
        )
        found = paired(of_arm, of_baseline)
        if found is not None:
            means[i, j] = found.mean
            errors[i, j] = np.nan if found.se is None else found.se
    counted = series.runs(results, [arm, baseline])
    figure = new_figure(
        f'{title}\n{arm} minus {baseline}, paired by seed, {counted}, ± standard error '
        '(bold: 2 or more)'.strip(),
        height=1.6 + 0.5 * len(down),
    )
    axes = figure.subplots()
    unit = f'difference of {series.words(measure)}'
    draw_differences(axes, means, errors, down, across, unit)
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    return save(figure, path)


def _in_two(result: dict) -> dict:
    """A run with an axis ``'T^t / T^s'`` as two axes."""
    axes: dict[str, str] = {}
    for axis, name in result['grid'].items():
        axes.update(zip(axis.split(' / '), name.split(' / '), strict=True))
    return {**result, 'grid': axes}
