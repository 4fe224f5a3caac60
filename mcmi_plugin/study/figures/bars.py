"""Arms side by side, one panel a measure (Figs. 5 and 7 of the paper)."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.report.style import colour_of, legend, new_figure, save
from mcmi_plugin.study.compare import spread

from . import series

# Bars that all reach this share of the highest one hide their differences.
CUT_ABOVE = 0.5


def bars(
    results: list[dict],
    path: str,
    measures: Sequence[str] = ('student_accuracy',),
    arms: Sequence[str] | None = None,
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """Bars of the means over seeds, a standard deviation up and down, every run.

    Args:
        results: of the study.
        path: of the PNG.
        measures: names of numbers, one panel each.
        arms: which, in which order; by default all.
        grid: {axis: name} to draw a part of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    arms_drawn = series.arms_of(results, arms)
    about = f'bars: mean, {series.runs(results, arms_drawn)}; whiskers: ± 1 standard '
    figure = new_figure(
        f'{title}\n{about}deviation; dots: single runs'.strip(),
        height=1.2 + 3.0 * len(measures),
    )
    panels = figure.subplots(len(measures), 1, squeeze=False)[:, 0]
    all_arms = series.arms_of(results)
    for axes, measure in zip(panels, measures, strict=True):
        _draw(axes, results, measure, arms_drawn, all_arms)
    legend(panels[0], ncols=min(len(arms_drawn), 4))
    return save(figure, path)


def _draw(
    axes: Axes,
    results: list[dict],
    measure: str,
    arms: list[str],
    all_arms: list[str],
) -> None:
    rows = series.rows_of(results)
    width = 0.8 / len(arms)
    every = []
    for i, arm in enumerate(arms):
        for at, row in enumerate(rows):
            values = list(series.by_seed(results, measure, arm, row).values())
            found = spread(values)
            if found is None:  # of no value
                continue
            mean, sd = found.mean, found.sd or 0
            x = at - 0.4 + (i + 0.5) * width
            axes.bar(
                x,
                mean,
                width * 0.92,
                yerr=sd,
                capsize=3,
                color=colour_of(all_arms.index(arm)),
                label=arm if at == 0 else None,
            )
            axes.plot([x] * len(values), values, '.', color='black', ms=4)
            every += [mean - sd, mean + sd, *values]
    axes.set_ylabel(series.words(measure))
    names = [', '.join(row.values()) for row in rows]
    axes.set_xticks(range(len(rows)), names, fontsize=9)
    if len(rows) > 3:
        axes.tick_params(axis='x', rotation=20)
    axes.set_xlabel(', '.join(rows[0]))
    if every and min(every) > CUT_ABOVE * max(every) > 0:
        room = (max(every) - min(every)) or 0.01 * max(every)
        axes.set_ylim(min(every) - 0.5 * room, max(every) + 0.3 * room)
        axes.set_ylabel(f'{series.words(measure)}\n(axis does not begin at 0)')
