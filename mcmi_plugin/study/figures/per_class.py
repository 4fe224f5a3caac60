"""A measure class by class, arms side by side (Table 8 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.report.style import colour_of, legend, new_figure, save

from . import series


def per_class(
    results: list[dict],
    path: str,
    measure: str = 'teacher_cmi_per_class',
    classes: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """Horizontal bars of the means over seeds, a standard deviation to each side.

    Args:
        results: of the study; the measure is {class name: number}.
        path: of the PNG.
        measure: name of the measure.
        classes: which, in which order; all where none of them is there.
        arms: which, in which order; by default all.
        grid: {axis: name} to draw a part of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    drawn = series.arms_of(results, arms)
    row = series.only_row(results, 'per_class')
    first = next(iter(series.by_seed(results, measure, drawn[0], row).values()))
    names = [name for name in classes or () if name in first] or list(first)
    figure = new_figure(
        f'{title}\nmean, {series.runs(results, drawn)}; whiskers: ± 1 standard '
        'deviation'.strip(),
        height=1.4 + 0.18 * len(names) * (len(drawn) + 1),
    )
    axes = figure.subplots()
    axes.set_title(series.row_title(row), fontsize=10)
    thickness = 0.8 / len(drawn)
    for i, arm in enumerate(drawn):
        found = series.by_seed(results, measure, arm, row).values()
        values = np.array([[one[name] for name in names] for one in found], float)
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else None
        axes.barh(
            np.arange(len(names)) - 0.4 + (i + 0.5) * thickness,
            values.mean(axis=0),
            thickness * 0.92,
            xerr=spread,
            capsize=2,
            color=colour_of(series.arms_of(results).index(arm)),
            label=arm,
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(series.words(measure))
    legend(axes)
    return save(figure, path)
