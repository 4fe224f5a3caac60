"""Gain over a control on a grid of two temperatures (Fig. 8 of the paper)."""

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.shown.style import new_figure
from mcmi_study.results import Results, words


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

    Those of at least two standard errors are printed in bold.

    Args:
        rows, columns: axes of the grid that go down and across; one axis that is
            called ``'ROWS / COLUMNS'`` and so has its names is taken for two.
        arm, baseline: minuend and subtrahend.
        measure: name of a number.
    """
    results = Results([_in_two(run) for run in results.runs])
    down, across = (
        list(dict.fromkeys(run['grid'][axis] for run in results.runs))
        for axis in (rows, columns)
    )
    gains = {
        (i, j): results.gain(
            measure, arm, baseline, {rows: down[i], columns: across[j]}
        )
        for i, j in np.ndindex(len(down), len(across))
    }
    found = {place: gain for place, gain in gains.items() if gain is not None}
    figure = new_figure(
        f'{title}{arm} minus {baseline}, paired by seed, {results.n([arm, baseline])}, '
        '± standard error (bold: 2 or more)',
        height=1.6 + 0.5 * len(down),
    )
    axes = figure.subplots()
    means = np.full((len(down), len(across)), np.nan)  # which stays white
    for place, gain in found.items():
        means[place] = gain.mean
    largest = max((abs(gain.mean) for gain in found.values()), default=0) or 1.0
    # Purple to orange, white at zero: no red against green.
    limits: dict = dict(vmin=-largest, vmax=largest)
    image = axes.imshow(means, cmap='PuOr_r', aspect='auto', **limits)
    for (row, column), gain in found.items():
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
    axes.set_xticks(range(len(across)), across)
    axes.set_yticks(range(len(down)), down)
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    figure.colorbar(image, ax=axes, label=f'difference of {words(measure)}')
    return figure


def _in_two(run: dict) -> dict:
    """A run with an axis ``'T^t / T^s'`` as two axes."""
    axes: dict[str, str] = {}
    for axis, name in run['grid'].items():
        axes.update(zip(axis.split(' / '), name.split(' / '), strict=True))
    return {**run, 'grid': axes}
