"""CMI and LL of a teacher over the epochs of its training (Fig. 2 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.report.style import colour_of, marker_of, new_figure, save

from . import series

KEYS = ('cmi', 'll')


def curves(
    results: list[dict],
    path: str,
    measure: str = 'mll_history',
    arms: Sequence[str] | None = None,
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """Lines through the epochs' means over seeds, a standard deviation shaded.

    Args:
        results: of the study; the measure is {'epoch': [E], 'cmi': [E], 'll': [E]}.
        path: of the PNG.
        measure: name of the measure.
        arms: which, in which order, one panel each; by default all that have it.
        grid: {axis: name} to draw a part of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    drawn = [
        (row, arm)
        for row in series.rows_of(results)
        for arm in series.arms_of(results, arms)
        if series.by_seed(results, measure, arm, row)
    ]
    about = 'CMI and LL on the training batches of each epoch: mean, '
    counted = series.runs(results, [arm for _, arm in drawn])
    figure = new_figure(
        f'{title}\n{about}{counted}; shaded: ± 1 standard deviation'.strip(),
        height=1.0 + 3.2 * len(drawn),
    )
    panels = figure.subplots(len(drawn), 1, squeeze=False)[:, 0]
    for axes, (row, arm) in zip(panels, drawn, strict=True):
        histories = series.by_seed(results, measure, arm, row).values()
        _draw(axes, list(histories))
        axes.set_title(', '.join(filter(None, [arm, series.row_title(row)])), size=10)
    return save(figure, path)


def _draw(left: Axes, histories: list[dict]) -> None:
    length = min(len(history['epoch']) for history in histories)  # some may be stopped
    epochs = histories[0]['epoch'][:length]
    for index, (key, axes) in enumerate(zip(KEYS, (left, left.twinx()), strict=True)):
        values = np.array([history[key][:length] for history in histories], float)
        mean = values.mean(axis=0)
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else 0 * mean
        colour = colour_of(1 - index)
        style = '-' if index == 0 else '--'
        axes.plot(epochs, mean, style, marker=marker_of(index), ms=4, color=colour)
        axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.2)
        axes.set_ylabel(f'{key.upper()}, nats' + ' (dashed)' * index, color=colour)
        axes.tick_params(axis='y', labelcolor=colour)
    left.set_xlabel('epoch of maximum-likelihood training')
