"""A measure against a dial (Fig. 1, Fig. 9, Table 7), or the gain against it."""

import re
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.style import colour_of, legend, new_figure
from mcmi_study.results import Results, row_title, words

MARKERS = 'osD^vP*X'  # an arm's, so that colour is never its only sign
# Where on the dial, whose run, and where in the grid it is.
Place = tuple[float, str, dict]


def lines(
    results: Results,
    arms: list[str],
    title: str,
    x: str,
    left: str = 'student_accuracy',
    right: str | None = None,
    right_arms: Sequence[str] | None = None,
    baseline: str | None = None,
    log_x: bool = False,
    x_label: str | None = None,
    floor: float | None = None,
) -> Figure:
    """Means over seeds against a number, a standard deviation up and down.

    Args:
        x: axis of the grid whose names hold a number (``'T = 4'``); or ``'arm'``:
            arms whose names hold one (``'lambda = 0.15'``) are the points of a
            line, one line for all that otherwise share a name, and the others are
            drawn level across.
        left: measure of the left axis.
        right: measure of an axis to the right, dashed.
        right_arms: those that the right axis shows; by default all.
        baseline: draw the difference to this arm, seed by seed, with its paired
            standard error instead.
        log_x: a logarithmic dial.
        x_label: under the dial, by default the axis's name.
        floor: where the left axis ends below, if a fall would flatten the rest.

    Raises:
        UserError: no number in the names along ``x``.
    """
    drawn = [arm for arm in arms if arm != baseline]
    error = '± 1 standard deviation'
    if baseline is not None:
        error = f'difference to {baseline}, paired by seed, ± 1 standard error'
    rows, everywhere = results.rows(without=x), results.arms()
    figure = new_figure(
        f'{title}mean, {results.n(drawn)}; {error}', height=1.0 + 3.4 * len(rows)
    )
    panels = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axes, row in zip(panels, rows, strict=True):
        of_row = results.where(row)
        _draw(axes, of_row, x, left, drawn, everywhere, baseline, '-')
        axes.set_title(row_title(row), fontsize=10)
        axes.set_xlabel(x_label or ('lambda' if x == 'arm' else x))
        if floor is not None and axes.get_ylim()[0] < floor:
            axes.set_ylim(bottom=floor)
        if log_x:
            axes.set_xscale('log')
        if baseline is not None:
            axes.axhline(0, color='0.4', linewidth=1)
        if right is not None:
            shown = [arm for arm in drawn if arm in (right_arms or drawn)]
            _draw(axes.twinx(), of_row, x, right, shown, everywhere, baseline, '--')
    if panels[0].get_legend_handles_labels()[1]:
        legend(panels[0])
    return figure


def _draw(
    axes: Axes,
    results: Results,
    x: str,
    measure: str,
    arms: list[str],
    everywhere: list[str],
    baseline: str | None,
    style: str,
) -> None:
    """One panel; an arm has the same colour in each, though not all may have run."""
    name = words(measure)
    name = name if baseline is None else f'{name}:\ndifference to {baseline}'
    axes.set_ylabel(name + ' (dashed)' * (style == '--'))
    if x == 'arm':
        along, level = _along_arms(arms)
    else:
        along, level = _along_grid(results, x, arms, everywhere), []
    for index, (label, places) in along:
        found = [
            (at, _point(results, measure, arm, row, baseline))
            for at, arm, row in places
        ]
        points = sorted((at, *point) for at, point in found if point is not None)
        axes.errorbar(
            [at for at, _, _ in points],
            [mean for _, mean, _ in points],
            [error for _, _, error in points],
            linestyle=style,
            marker=MARKERS[index % len(MARKERS)],
            markerfacecolor=colour_of(index) if style == '-' else 'white',
            color=colour_of(index),
            capsize=3,
            label=label,
        )
    for index, arm in enumerate(level):
        point = _point(results, measure, arm, {}, baseline)
        if point is not None:
            kind = (':', '-.', '--')[index % 3] if len(along) > 1 else style
            colour = colour_of(len(along) + index)
            axes.axhline(point[0], color=colour, linestyle=kind, label=arm)


def _along_grid(
    results: Results, x: str, arms: list[str], everywhere: list[str]
) -> list[tuple[int, tuple[str, list[Place]]]]:
    """[(number of its colour, (label, places))] of each line."""
    names = list(dict.fromkeys(run['grid'][x] for run in results.runs))
    dial = {n: at for n in names if (at := number(n)) is not None}
    if len(dial) < len(names):
        raise UserError(
            f'study.figures: lines needs a number in the names of {x}; got {names}'
        )
    return [
        (everywhere.index(arm), (arm, [(at, arm, {x: n}) for n, at in dial.items()]))
        for arm in arms
    ]


def _along_arms(arms: list[str]) -> tuple[list, list[str]]:
    """Lines where arms are the points, and the arms without a number."""
    groups: dict[str, list[Place]] = {}  # 'fixed, lambda 0.5' and 'fixed, lambda 2'
    for arm in arms:
        if (at := number(arm)) is not None:
            groups.setdefault(words_of(arm), []).append((at, arm, {}))
    if not groups:
        raise UserError(f"study.figures: x='arm' needs a number in an arm; got {arms}")
    return list(enumerate(groups.items())), [a for a in arms if number(a) is None]


def _point(
    results: Results, measure: str, arm: str, row: dict, baseline: str | None
) -> tuple[float, float] | None:
    """A mean and its error bar, which is 0 for a single run; None without a run."""
    if baseline is None:
        one = results.spread(measure, arm, row)
        return None if one is None else (one.mean, one.sd or 0)
    two = results.gain(measure, arm, baseline, row)
    return None if two is None else (two.mean, two.se or 0)


def number(name: str) -> float | None:
    """The last number in a name: ``'lambda = 0.15'`` -> 0.15; None without one."""
    found = re.findall(r'-?\d+(?:\.\d+)?(?:e-?\d+)?', name)
    return float(found[-1]) if found else None


def words_of(name: str) -> str:
    """What a name says beside its number: ``'lambda = 0.15'`` -> ``'lambda'``."""
    return re.sub(r'[\s=:]*-?\d+(?:\.\d+)?(?:e-?\d+)?\s*$', '', name) or name
