"""Confusion matrices of students, arm beside arm (Figs. 4, 14-19 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.report.confusion import draw_confusion
from mcmi_plugin.report.style import new_figure, save

from . import series


def confusion(
    results: list[dict],
    path: str,
    measure: str = 'confusion',
    arms: Sequence[str] | None = None,
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """The mean matrix over seeds of each arm; dropped classes are marked.

    Args:
        results: of the study; the measure is {'matrix': [C, C] counts, 'classes':
            [C] names, 'dropped': ids without a training sample}.
        path: of the PNG.
        measure: name of the measure.
        arms: which, in which order, two in a row; by default all.
        grid: {axis: name}: which cell of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    drawn = series.arms_of(results, arms)
    down = -(-len(drawn) // 2)
    figure = new_figure(
        f'{title}\nshare of each true class, mean of {series.runs(results, drawn)}; '
        '* orange: dropped for the student'.strip(),
        height=0.8 + 3.6 * down,
    )
    panels = figure.subplots(down, 2, squeeze=False).ravel()
    for axes in panels[len(drawn) :]:
        axes.remove()
    for axes, arm in zip(panels, drawn, strict=False):
        found = list(series.by_seed(results, measure, arm, {}).values())
        mean = np.mean([one['matrix'] for one in found], axis=0)
        image = draw_confusion(
            axes, mean, found[0]['classes'], found[0]['dropped'], arm
        )
    label = 'share of the true class'
    figure.colorbar(image, ax=list(panels[: len(drawn)]), shrink=0.6, label=label)
    return save(figure, path)
