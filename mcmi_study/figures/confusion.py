"""Confusion matrices of students, arm beside arm (Figs. 4, 14-19 of the paper)."""

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.shown.confusion import MOST_NAMED, draw_confusion
from mcmi_plugin.shown.style import INCHES_WIDE, new_figure
from mcmi_study.results import Results, row_title

MOST_ACROSS = 3
LONG = 6  # characters of a name, beside which only two matrices can be read
NAMES_HIGH = 1.5  # inches, of long ones below a matrix


def confusion(
    results: Results, arms: list[str], title: str, measure: str = 'confusion'
) -> Figure:
    """The mean matrix over seeds of each arm, three in a row, or two with long names.

    The measure is {'matrix': [C, C] counts, 'classes': [C] names, 'dropped': ids
    without a training sample, which are marked}.
    """
    arms = results.having(measure, arms)
    some = [r['values'][measure] for r in results.runs if r['values'].get(measure)]
    longest = max(len(str(name)) for one in some for name in one['classes'])
    long = longest > LONG and len(some[0]['classes']) <= MOST_NAMED
    across = min(len(arms), MOST_ACROSS - long)
    rows = results.rows()
    down = -(-len(arms) // across)
    high = (INCHES_WIDE - long) / across * down + NAMES_HIGH * long
    figure = new_figure(
        f'{title}share of each true class, mean of {results.n(arms)}; '
        '* orange: dropped for the student',
        height=0.8 + high * len(rows),
    )
    panels = figure.subplots(down * len(rows), across, squeeze=False)
    for row, block in zip(rows, np.split(panels, len(rows)), strict=True):
        for axes in block.ravel()[len(arms) :]:
            axes.remove()
        for i, (axes, arm) in enumerate(zip(block.ravel(), arms, strict=False)):
            found = list(results.by_seed(measure, arm, row).values())
            if not found:
                continue
            mean = np.mean([one['matrix'] for one in found], axis=0)
            name = '\n'.join(filter(None, [row_title(row), arm]))
            classes, dropped = found[0]['classes'], found[0]['dropped']
            image = draw_confusion(axes, mean, classes, dropped, name)
            # The names once: they take the room of the cells.
            if i % across:
                axes.tick_params(labelleft=False)
                axes.set_ylabel('')
            if i + across < len(arms):
                axes.tick_params(labelbottom=False)
                axes.set_xlabel('')
    where: dict = dict(ax=list(figure.axes), location='bottom', aspect=60, shrink=0.5)
    figure.colorbar(image, label='share of the true class', **where)
    return figure
