"""One look for all pictures: colours for every eye, sizes legible at 800 pixels."""

import io
import textwrap

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mcmi_plugin.whole_file import whole_file

# Okabe and Ito (2008): told apart with any of the common colour blindnesses. Its
# yellow is left out, which is too pale for a line on white; its grey is the last.
COLOURS = (
    '#0072B2',
    '#D55E00',
    '#009E73',
    '#CC79A7',
    '#E69F00',
    '#56B4E9',
    '#000000',
    '#999999',
)
BLUE, RED = COLOURS[:2]
INCHES_WIDE = 8.0  # at 100 dots an inch a picture of 800 pixels


def new_figure(
    title: str = '', height: float = 4.5, width: float = INCHES_WIDE
) -> Figure:
    """An empty figure, of 800 pixels' width by default, its title above all panels.

    Without pyplot, which would keep global state and look for a screen. Height and
    width are in inches of 100 pixels; the title's lines are broken to fit.
    """
    figure = Figure(figsize=(width, height), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    if title:
        most = int(11.5 * width)
        lines = [textwrap.fill(line, most) for line in title.split('\n')]
        figure.suptitle('\n'.join(lines), fontsize=11)
    return figure


def save(figure: Figure, path: str) -> Figure:
    """Write ``figure`` at twice its size, for screens that show it so; return it.

    Raises:
        NotWritten: what was there before is there still.
    """
    with whole_file(path) as file:
        file.write(png_of(figure, 200))
    return figure


def png_of(figure: Figure, dpi: int = 160) -> bytes:
    """The picture itself; the same bytes of the same figure."""
    png = io.BytesIO()
    # No software and version in it, which would change them.
    figure.savefig(png, format='png', dpi=dpi, metadata=dict(Software=None))
    return png.getvalue()


def colour_of(index: int) -> str:
    """The colour of the ``index``-th arm, the same in every figure of a study."""
    return COLOURS[index % len(COLOURS)]


def legend(axes: Axes, **kwargs) -> None:
    """A small legend that hides no data where there is room beside them."""
    axes.legend(fontsize=9, framealpha=0.8, **kwargs)


def whole_epochs(axes: Axes) -> None:
    """Ticks at whole numbers, of which x has no others."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def tidy(axes: Axes) -> None:
    """A pale grid behind the data, and no frame above and to the right."""
    axes.grid(color='0.9', linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
