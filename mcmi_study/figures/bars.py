"""Arms side by side, one panel a measure (Figs. 5 and 7 of the paper)."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.shown.style import colour_of, legend, new_figure
from mcmi_study.results import Results, words

# Bars that all reach this share of the highest one hide their differences.
CUT_ABOVE = 0.5


def bars(
    results: Results,
    arms: list[str],
    title: str,
    measures: Sequence[str] = ('student_accuracy',),
) -> Figure:
    """Bars of the means over seeds, a standard deviation up and down, every run."""
    figure = new_figure(
        f'{title}bars: mean, {results.n(arms)}; whiskers: ± 1 standard deviation; '
        'dots: single runs',
        height=1.2 + 3.0 * len(measures),
    )
    panels = figure.subplots(len(measures), 1, squeeze=False)[:, 0]
    for axes, measure in zip(panels, measures, strict=True):
        _draw(axes, results, measure, arms)
    legend(panels[0], ncols=min(len(arms), 4))
    return figure


def _draw(axes: Axes, results: Results, measure: str, arms: list[str]) -> None:
    rows, all_arms = results.rows(), results.arms()
    width = 0.8 / len(arms)
    every = []
    for i, arm in enumerate(arms):
        for at, row in enumerate(rows):
            found = results.spread(measure, arm, row)
            if found is None:
                continue
            values = list(results.by_seed(measure, arm, row).values())
            mean, sd, x = found.mean, found.sd or 0, at - 0.4 + (i + 0.5) * width
            look: dict = dict(color=colour_of(all_arms.index(arm)), capsize=3)
            name = arm if at == 0 else None
            axes.bar(x, mean, width * 0.92, yerr=sd, label=name, **look)
            axes.plot([x] * len(values), values, '.', color='black', ms=4)
            every += [mean - sd, mean + sd, *values]
    axes.set_ylabel(words(measure))
    names = [', '.join(row.values()) for row in rows]
    axes.set_xticks(range(len(rows)), names, fontsize=9)
    if len(rows) > 3:
        axes.tick_params(axis='x', rotation=20)
    axes.set_xlabel(', '.join(rows[0]))
    if every and min(every) > CUT_ABOVE * max(every) > 0:
        room = (max(every) - min(every)) or 0.01 * max(every)
        axes.set_ylim(min(every) - 0.5 * room, max(every) + 0.3 * room)
        axes.set_ylabel(f'{words(measure)}\n(axis does not begin at 0)')
