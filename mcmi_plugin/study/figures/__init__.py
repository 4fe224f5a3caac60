"""Figures of a study: name -> ``fn(results, path, **kwargs)``, the figure drawn.

``results`` is a list of ``dict(grid={axis: name}, arm=name, seed=k,
values={measure: value})``, one per finished run. Each function writes a PNG to
``path`` and says in its title what is shown, over how many runs, with what spread.
"""

from collections.abc import Callable

from matplotlib.figure import Figure

from .bars import bars
from .confusion import confusion
from .curves import curves
from .eigen_cam import eigen_cam
from .heatmap import heatmap
from .lines import lines
from .per_class import per_class
from .scatter_tsne import scatter_tsne

FIGURES: dict[str, Callable[..., Figure]] = dict(
    bars=bars,
    confusion=confusion,
    curves=curves,
    eigen_cam=eigen_cam,
    heatmap=heatmap,
    lines=lines,
    per_class=per_class,
    scatter_tsne=scatter_tsne,
)

__all__ = ['FIGURES', *FIGURES]
