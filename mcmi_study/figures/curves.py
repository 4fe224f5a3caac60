"""CMI and LL of a teacher over the epochs of its training (Fig. 2 of the paper)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.shown.style import BLUE, new_figure, tidy, whole_epochs
from mcmi_plugin.teacher.curves import DRAWN
from mcmi_study.results import Results, row_title


def curves(
    results: Results, arms: list[str], title: str, measure: str = 'mll_history'
) -> Figure:
    """Lines through the epochs' means over seeds, a standard deviation shaded.

    A panel for CMI and one for LL of every arm that has the measure, {'epoch': [E],
    'cmi': [E], 'll': [E]}.
    """
    arms = results.having(measure, arms)
    drawn = [
        (row, arm)
        for row in results.rows()
        for arm in arms
        if results.by_seed(measure, arm, row)
    ]
    counted = results.n([arm for _, arm in drawn])
    figure = new_figure(
        f'{title}CMI and LL on the training batches of each epoch: mean, {counted}; '
        'shaded: ± 1 standard deviation',
        height=1.0 + 3.0 * len(drawn),
    )
    panels = figure.subplots(len(drawn), len(DRAWN), squeeze=False)
    for both, (row, arm) in zip(panels, drawn, strict=True):
        histories = list(results.by_seed(measure, arm, row).values())
        for axes, key in zip(both, DRAWN, strict=True):
            _draw(axes, key, histories)
        both[0].set_title(', '.join(filter(None, [arm, row_title(row)])), size=10)
    return figure


def _draw(axes: Axes, key: str, histories: list[dict]) -> None:
    length = min(len(history['epoch']) for history in histories)  # some may be stopped
    epochs = histories[0]['epoch'][:length]
    values = np.array([history[key][:length] for history in histories], float)
    mean = values.mean(axis=0)
    sd = values.std(axis=0, ddof=1) if len(values) > 1 else 0 * mean
    axes.plot(epochs, mean, '.-', color=BLUE)
    axes.fill_between(epochs, mean - sd, mean + sd, color=BLUE, alpha=0.2)
    axes.set_ylabel(f'{key.upper()}, nats')
    axes.set_xlabel('epoch of maximum-likelihood training')
    whole_epochs(axes)
    tidy(axes)
