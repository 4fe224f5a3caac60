"""A measure class by class, arms side by side (Table 8 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.shown.paired import spread
from mcmi_plugin.shown.style import colour_of, legend, new_figure
from mcmi_study.results import Results, row_title, words


def per_class(
    results: Results,
    arms: list[str],
    title: str,
    measure: str = 'teacher_cmi_per_class',
    classes: Sequence[str] | None = None,
) -> Figure:
    """Horizontal bars of the means over seeds, a standard deviation to each side.

    The measure is {class name: number}; ``classes`` says which, in which order. All
    are drawn where none of them is there.
    """
    row = results.only_row('per_class')
    arms = results.having(measure, arms)
    first = next(iter(results.by_seed(measure, arms[0], row).values()))
    names = [name for name in classes or () if name in first] or list(first)
    figure = new_figure(
        f'{title}mean, {results.n(arms)}; whiskers: ± 1 standard deviation',
        height=1.4 + 0.18 * len(names) * (len(arms) + 1),
    )
    axes = figure.subplots()
    axes.set_title(row_title(row), fontsize=10)
    thickness = 0.8 / len(arms)
    for i, arm in enumerate(arms):
        runs = results.by_seed(measure, arm, row).values()
        found = [spread(run[name] for run in runs) for name in names]
        places = np.arange(len(names)) - 0.4 + (i + 0.5) * thickness
        look: dict = dict(color=colour_of(results.arms().index(arm)), capsize=2)
        if len(runs) > 1:
            look['xerr'] = [one.sd for one in found if one]
        means = [one.mean for one in found if one]
        axes.barh(places, means, thickness * 0.92, label=arm, **look)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(words(measure))
    legend(axes)
    return figure
