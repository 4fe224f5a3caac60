"""Figures of a study: ``fn(results, arms, title, **its own) -> Figure``.

``results`` are the runs of the part of the grid that is drawn, ``arms`` the names of
the arms in their order. Each figure says in its title what is shown, over how many
runs, with what spread.
"""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.style import save
from mcmi_study.results import Results

from .answers import answers
from .bars import bars
from .confusion import confusion
from .curves import curves
from .eigen_cam import eigen_cam
from .heatmap import heatmap
from .lines import lines
from .per_class import per_class
from .plane import plane
from .scatter_tsne import scatter_tsne

FIGURES: dict[str, Callable[..., Figure]] = {
    function.__name__: function
    for function in (
        *(answers, bars, confusion, curves, eigen_cam, heatmap, lines, per_class),
        *(plane, scatter_tsne),
    )
}


def draw(
    type: str,
    results: Results,
    path: str,
    arms: Sequence[str] | None = None,
    grid: dict[str, str] | None = None,
    title: str = '',
    **own,
) -> Figure:
    """Write one figure as PNG.

    Args:
        type: one of ``FIGURES``.
        results: of the study.
        path: of the PNG.
        arms: which, in which order; by default all.
        grid: {axis: name} to draw a part of the grid.
        title: above what the figure says of itself.
        **own: arguments of the figure itself.

    Raises:
        UserError: no run is of that part, or the figure cannot show it.
    """
    results = results.where(grid)
    drawn = results.arms(arms)
    if not drawn:
        raise UserError(f'study.figures: no finished run is of {", ".join(arms or ())}')
    title = f'{title}\n' if title else ''
    return save(FIGURES[type](results, drawn, title, **own), path)
