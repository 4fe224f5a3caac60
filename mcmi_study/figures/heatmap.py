"""Gain over a control on a grid of two axes (Fig. 8 of the paper), or of all arms."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from mcmi_plugin.shown.paired import Difference
from mcmi_plugin.shown.style import new_figure
from mcmi_study.results import Results, row_title, words


def heatmap(
    results: Results,
    arms: list[str],
    title: str,
    rows: str,
    columns: str,
    arm: str = 'MCMI',
    baseline: str = 'MLL',
    measure: str = 'student_accuracy',
) -> Figure:
    """Differences of an arm to another, paired by seed, cell by cell.

    Those of at least two standard errors are printed in bold. Axes of the grid that go
    neither down nor across have a panel for each of their cells.

    Args:
        rows, columns: axes of the grid that go down and across; one axis that is
            called ``'ROWS / COLUMNS'`` and so has its names is taken for two. Rows
            ``'arm'`` are the arms themselves, each against the baseline.
        arm, baseline: minuend and subtrahend.
        measure: name of a number.
    """
    results = Results([_in_two(run) for run in results.runs])
    drawn = [name for name in arms if name != baseline] if rows == 'arm' else [arm]
    down = drawn if rows == 'arm' else _names(results, rows)
    across, panels = _names(results, columns), _rest(results, rows, columns)
    figure = new_figure(
        f'{title}{"arm" if rows == "arm" else arm} minus {baseline}, paired by seed, '
        f'{results.n([*drawn, baseline])}, ± standard error (bold: 2 or more)',
        height=(1.6 + 0.5 * len(down)) * len(panels),
    )
    every = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axes, rest in zip(every, panels, strict=True):
        gains = {}
        for i, j in np.ndindex(len(down), len(across)):
            cell, of = {**rest, columns: across[j]}, arm
            if rows == 'arm':
                of = down[i]
            else:
                cell[rows] = down[i]
            if (gain := results.gain(measure, of, baseline, cell)) is not None:
                gains[i, j] = gain
        image = _panel(axes, gains, (len(down), len(across)))
        axes.set_xticks(range(len(across)), across)
        axes.set_yticks(range(len(down)), down)
        axes.set_xlabel(columns)
        axes.set_ylabel(rows)
        axes.set_title(row_title(rest), fontsize=10)
        figure.colorbar(image, ax=axes, label=f'difference of {words(measure)}')
    return figure


def _panel(
    axes: Axes, gains: dict[tuple[int, int], Difference], shape: tuple[int, int]
) -> AxesImage:
    means = np.full(shape, np.nan)  # which stays white
    for place, gain in gains.items():
        means[place] = gain.mean
    largest = max((abs(gain.mean) for gain in gains.values()), default=0) or 1.0
    # Purple to orange, white at zero: no red against green.
    limits: dict = dict(vmin=-largest, vmax=largest)
    image = axes.imshow(means, cmap='PuOr_r', aspect='auto', **limits)
    for (row, column), gain in gains.items():
        dark = abs(gain.mean) > 0.7 * largest
        clear = gain.se is not None and abs(gain.mean) >= 2 * gain.se
        axes.text(
            column,
            row,
            gain.shown(2).replace(' +- ', '\n±'),
            ha='center',
            va='center',
            fontsize=8,
            color='white' if dark else 'black',
            fontweight='bold' if clear else 'normal',
        )
    return image


def _names(results: Results, axis: str) -> list[str]:
    return list(dict.fromkeys(run['grid'][axis] for run in results.runs))


def _rest(results: Results, rows: str, columns: str) -> list[dict[str, str]]:
    """The cells of the axes that go neither down nor across."""
    found: list[dict[str, str]] = []
    for row in results.rows(without=columns):
        rest = {axis: name for axis, name in row.items() if axis != rows}
        if rest not in found:
            found.append(rest)
    return found


def _in_two(run: dict) -> dict:
    """A run with an axis ``'T^t / T^s'`` as two axes."""
    axes: dict[str, str] = {}
    for axis, name in run['grid'].items():
        two = axis.split(' / ')
        # Another axis may have any names.
        names = name.split(' / ') if len(two) > 1 else [name]
        axes.update(zip(two, names, strict=True))
    return {**run, 'grid': axes}
