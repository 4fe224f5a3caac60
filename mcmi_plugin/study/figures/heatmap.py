"""Gain over a control on a grid of two temperatures (Fig. 8 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    _draw_differences(axes, means, errors, down, across, unit)
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    return save(figure, path)


def _in_two(result: dict) -> dict:
    """A run with an axis ``'T^t / T^s'`` as two axes."""
    axes: dict[str, str] = {}
    for axis, name in result['grid'].items():
        axes.update(zip(axis.split(' / '), name.split(' / '), strict=True))
    return {**result, 'grid': axes}


def _draw_differences(
    axes: Axes,
    differences: np.ndarray,
    errors: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    unit: str,
) -> None:
    """Colour and print each difference with its standard error.

    A difference of at least two standard errors is printed in bold.

    Args:
        axes: an empty panel.
        differences: [R, K]; NaN where there is none, which stays white.
        errors: [R, K] standard errors; NaN where one run gives none.
        rows: R labels, top to bottom.
        columns: K labels.
        unit: label of the colour bar.
    """
    finite = np.abs(differences[np.isfinite(differences)])
    largest = (finite.max() if finite.size else 0) or 1.0
    # Purple to orange, white at zero: no red against green.
    image = axes.imshow(
        differences, cmap='PuOr_r', vmin=-largest, vmax=largest, aspect='auto'
    )
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    for (row, column), value in np.ndenumerate(differences):
        if not np.isfinite(value):
            continue
        error = errors[row, column]
        text = f'{value:+.2f}'
        if np.isfinite(error):
            text += f'\n±{error:.2f}'
        axes.text(
            column,
            row,
            text,
            ha='center',
            va='center',
            fontsize=8,
            color='white' if abs(value) > 0.7 * largest else 'black',
            fontweight='bold' if abs(value) >= 2 * error else 'normal',
        )
    axes.figure.colorbar(image, ax=axes, label=unit)
