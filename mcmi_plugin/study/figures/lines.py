"""A measure against a dial (Fig. 1, Fig. 9, Table 7), or the gain against it."""

import re
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.errors import UserError
from mcmi_plugin.report.style import colour_of, legend, marker_of, new_figure, save
from mcmi_plugin.study.compare import paired, spread

from . import series


def lines(
    results: list[dict],
    path: str,
    x: str,
    left: str = 'student_accuracy',
    right: str | None = None,
    arms: Sequence[str] | None = None,
    right_arms: Sequence[str] | None = None,
    baseline: str | None = None,
    grid: dict[str, str] | None = None,
    log_x: bool = False,
    x_label: str | None = None,
    floor: float | None = None,
    title: str = '',
) -> Figure:
    """Means over seeds against a number, a standard deviation up and down.

    Args:
        results: of the study.
        path: of the PNG.
        x: axis of the grid whose names hold a number (``'T = 4'``); or ``'arm'``:
            arms whose names hold one (``'lambda = 0.15'``) are the points of a
            line, one line for all that otherwise share a name, and the others are
            drawn level across.
        x_label: under the dial, by default the axis's name.
        floor: where the left axis ends below, if a fall would flatten the rest.
        left: measure of the left axis.
        right: measure of an axis to the right, dashed.
        arms: which, in which order; by default all.
        right_arms: of them, those that the right axis shows; by default all.
        baseline: draw the difference to this arm, seed by seed, with its paired
            standard error instead.
        grid: {axis: name} to draw a part of the grid.
        log_x: a logarithmic dial.
        title: above what the figure says of itself.

    Raises:
        UserError: no number in the names along ``x``.
    """
    results = series.where(results, grid)
    drawn = [arm for arm in series.arms_of(results, arms) if arm != baseline]
    error = '± 1 standard deviation'
    if baseline is not None:
        error = f'difference to {baseline}, paired by seed, ± 1 standard error'
    panels_of = series.rows_of(results, without=x)
    figure = new_figure(
        f'{title}\nmean, {series.runs(results, drawn)}; {error}'.strip(),
        height=1.0 + 3.4 * len(panels_of),
    )
    panels = figure.subplots(len(panels_of), 1, squeeze=False)[:, 0]
    for axes, row in zip(panels, panels_of, strict=True):
        of_row = [r for r in results if row.items() <= r['grid'].items()]
        _draw(axes, of_row, x, left, drawn, baseline, '-')
        axes.set_title(series.row_title(row), fontsize=10)
        axes.set_xlabel(x_label or ('lambda' if x == 'arm' else x))
        axes.set_ylabel(_label(left, baseline))
        if floor is not None and axes.get_ylim()[0] < floor:
            axes.set_ylim(bottom=floor)
        if log_x:
            axes.set_xscale('log')
        if baseline is not None:
            axes.axhline(0, color='0.4', linewidth=1)
        if right is not None:
            other = axes.twinx()
            shown = [arm for arm in drawn if arm in (right_arms or drawn)]
            _draw(other, of_row, x, right, shown, baseline, '--')
            other.set_ylabel(_label(right, baseline) + ' (dashed)')
    if panels[0].get_legend_handles_labels()[1]:
        legend(panels[0])
    return save(figure, path)


def _label(measure: str, baseline: str | None) -> str:
    name = series.words(measure)
    return name if baseline is None else f'{name}:\ndifference to {baseline}'


def _draw(
    axes: Axes,
    results: list[dict],
    x: str,
    measure: str,
    arms: list[str],
    baseline: str | None,
    style: str,
) -> None:
    if x != 'arm':
        all_arms = series.arms_of(results)
        names = list(dict.fromkeys(result['grid'][x] for result in results))
        for arm in arms:
            at = [(number(name), arm, {x: name}) for name in names]
            if None in [position for position, _, _ in at]:
                raise UserError(
                    f'study.figures: lines needs a number in the names of {x}; got '
                    f'{names}'
                )
            index = all_arms.index(arm)
            _line(axes, results, measure, at, baseline, style, index, arm)
        return
    dialled = [arm for arm in arms if number(arm) is not None]
    if not dialled:
        raise UserError(f"study.figures: x='arm' needs a number in an arm; got {arms}")
    groups: dict[str, list] = {}  # 'fixed, lambda 0.5' and 'fixed, lambda 2' are one
    for arm in dialled:
        groups.setdefault(words_of(arm), []).append((number(arm), arm, {}))
    for index, (words, at) in enumerate(groups.items()):
        _line(axes, results, measure, sorted(at), baseline, style, index, words)
    level_styles = (':', '-.', '--')
    for index, arm in enumerate(a for a in arms if a not in dialled):
        level = _point(results, measure, arm, {}, baseline)
        if level is not None:
            colour = colour_of(len(groups) + index)
            kind = level_styles[index % 3] if len(groups) > 1 else style
            axes.axhline(level[0], color=colour, linestyle=kind, label=arm)


def _line(axes, results, measure, at, baseline, style, index, label) -> None:
    found = [(p, _point(results, measure, arm, row, baseline)) for p, arm, row in at]
    points = sorted((p, *point) for p, point in found if point is not None)
    axes.errorbar(
        [p for p, _, _ in points],
        [mean for _, mean, _ in points],
        [error for _, _, error in points],
        linestyle=style,
        marker=marker_of(index),
        markerfacecolor=colour_of(index) if style == '-' else 'white',
        color=colour_of(index),
        capsize=3,
        label=label,
    )


def _point(results, measure, arm, row, baseline) -> tuple[float, float] | None:
    """A mean and its error bar, which is 0 for a single run; None without a run."""
    these = series.by_seed(results, measure, arm, row)
    if baseline is None:
        one = spread(list(these.values()))
        return None if one is None else (one.mean, one.sd or 0)
    two = paired(these, series.by_seed(results, measure, baseline, row))
    return None if two is None else (two.mean, two.se or 0)


def number(name: str) -> float | None:
    """The last number in a name: ``'lambda = 0.15'`` -> 0.15; None without one."""
    found = re.findall(r'-?\d+(?:\.\d+)?(?:e-?\d+)?', name)
    return float(found[-1]) if found else None


def words_of(name: str) -> str:
    """What a name says beside its number: ``'lambda = 0.15'`` -> ``'lambda'``."""
    return re.sub(r'[\s=:]*-?\d+(?:\.\d+)?(?:e-?\d+)?\s*$', '', name) or name
