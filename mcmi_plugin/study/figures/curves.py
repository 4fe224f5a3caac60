"""CMI and LL of a teacher over the epochs of its training (Fig. 2 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.report.curves import KEYS
from mcmi_plugin.report.style import colour_of, new_figure, save, tidy, whole_epochs

from . import series


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
        arms: which, in which order, a panel for each of both; by default all that
            have it.
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
        height=1.0 + 3.0 * len(drawn),
    )
    panels = figure.subplots(len(drawn), len(KEYS), squeeze=False)
    for both, (row, arm) in zip(panels, drawn, strict=True):
        histories = list(series.by_seed(results, measure, arm, row).values())
        for axes, key in zip(both, KEYS, strict=True):
            _draw(axes, key, histories)
        title = ', '.join(filter(None, [arm, series.row_title(row)]))
        both[0].set_title(title, size=10)
    return save(figure, path)


def _draw(axes: Axes, key: str, histories: list[dict]) -> None:
    length = min(len(history['epoch']) for history in histories)  # some may be stopped
    epochs = histories[0]['epoch'][:length]
    values = np.array([history[key][:length] for history in histories], float)
    mean = values.mean(axis=0)
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else 0 * mean
    axes.plot(epochs, mean, '.-', color=colour_of(0))
    axes.fill_between(
        epochs, mean - spread, mean + spread, color=colour_of(0), alpha=0.2
    )
    axes.set_ylabel(f'{key.upper()}, nats')
    axes.set_xlabel('epoch of maximum-likelihood training')
    whole_epochs(axes)
    tidy(axes)
