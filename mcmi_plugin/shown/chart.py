"""A small chart of lines, legible on a phone and two to a row on a screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from mcmi_plugin.shown.style import new_figure, png_of, tidy, whole_epochs

# A loss that falls by more than this factor shows its end on a logarithmic scale.
_LOGARITHMIC = 30.0
_MOST_IN_LEGEND = 8


@dataclass(frozen=True)
class Line:
    """Points (x, y) joined by a line; x is an epoch or an iteration.

    Colour, style, marker and width are matplotlib's; a name of '' is in no legend.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    style: str = '-'
    marker: str = ''
    width: float = 1.6


def draw_chart(
    lines: Sequence[Line], x_label: str, y_label: str, may_be_log: bool = False
) -> bytes:
    """A PNG of 4.6 x 3.1 inches at 160 dots an inch.

    Args:
        lines: at least one, each of at least one point.
        x_label, y_label: what x is, of whole numbers, and y with its unit.
    """
    figure = new_figure(height=3.1, width=4.6)
    axes = figure.subplots()
    for line in lines:
        x, y = zip(*line.points, strict=True)
        # One point makes no line.
        marker = line.marker or ('o' if len(x) == 1 else '')
        axes.plot(
            x,
            y,
            line.style,
            color=line.colour,
            marker=marker,
            markersize=3.5,
            linewidth=line.width,
            label=line.name or '_',
        )
    values = [y for line in lines for _, y in line.points if y == y]
    low, high = (min(values), max(values)) if values else (1, 1)
    if may_be_log and high > _LOGARITHMIC * low > 0:
        axes.set_yscale('log')
        # Of less than three decades, labels within them too.
        subs = (1, 2, 5) if high < 1000 * low else (1,)
        axes.yaxis.set_major_locator(LogLocator(subs=subs))
        axes.yaxis.set_major_formatter(StrMethodFormatter('{x:g}'))
        axes.yaxis.set_minor_formatter(NullFormatter())
    whole_epochs(axes)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    tidy(axes)
    if 0 < sum(bool(line.name) for line in lines) <= _MOST_IN_LEGEND:
        axes.legend(fontsize=8.5, framealpha=0.85, loc='best')
    return png_of(figure)
