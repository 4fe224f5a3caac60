"""Confusion matrices of students, arm beside arm (Figs. 4, 14-19 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.report.confusion import MOST_NAMED, draw_confusion
from mcmi_plugin.report.style import INCHES_WIDE, new_figure, save

from . import series

MOST_ACROSS = 3
LONG = 6  # characters of a name, beside which only two matrices can be read
NAMES_HIGH = 1.5  # inches, of long ones below a matrix


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
        arms: which, in which order, three in a row, or two where the classes have
            long names; by default all.
        grid: {axis: name} to draw a part of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    drawn = series.arms_of(results, arms)
    some = [r['values'][measure] for r in results if r['values'].get(measure)]
    longest = max(len(str(name)) for one in some for name in one['classes'])
    long = longest > LONG and len(some[0]['classes']) <= MOST_NAMED
    across = min(len(drawn), MOST_ACROSS - long)
    rows = series.rows_of(results)
    down = -(-len(drawn) // across)
    high = (INCHES_WIDE - long) / across * down + NAMES_HIGH * long
    figure = new_figure(
        f'{title}\nshare of each true class, mean of {series.runs(results, drawn)}; '
        '* orange: dropped for the student'.strip(),
        height=0.8 + high * len(rows),
    )
    panels = figure.subplots(down * len(rows), across, squeeze=False)
    for row, block in zip(rows, np.split(panels, len(rows)), strict=True):
        for axes in block.ravel()[len(drawn) :]:
            axes.remove()
        for i, (axes, arm) in enumerate(zip(block.ravel(), drawn, strict=False)):
            found = list(series.by_seed(results, measure, arm, row).values())
            if not found:
                continue
            mean = np.mean([one['matrix'] for one in found], axis=0)
            name = '\n'.join(filter(None, [series.row_title(row), arm]))
            classes, dropped = found[0]['classes'], found[0]['dropped']
            image = draw_confusion(axes, mean, classes, dropped, name)
            # The names once: they take the room of the cells.
            if i % across:
                axes.tick_params(labelleft=False)
                axes.set_ylabel('')
            if i + across < len(drawn):
                axes.tick_params(labelbottom=False)
                axes.set_xlabel('')
    figure.colorbar(
        image,
        ax=list(figure.axes),
        location='bottom',
        aspect=60,
        shrink=0.5,
        label='share of the true class',
    )
    return save(figure, path)
