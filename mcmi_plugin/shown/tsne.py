"""The output space of a classifier in two dimensions (Fig. 6 of the paper)."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcmi_plugin.errors import UserError

MOST_COLOURS = 10
# Of more classes those with the most samples are named; more names hide the points.
MOST_NAMED = 20
MARGIN = 0.06  # around all points, of what they span
# In pixels of the picture at 100 dots an inch: between the places where a name may
# stand, and what is kept free around it.
_STEP, _ROOM = 4, 4


def embed(probabilities: np.ndarray) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, 2008) of [N, C] output probabilities: [N, 2].

    Of several classifiers, embed all at once: two embeddings of their own have no
    common scale.

    Raises:
        UserError: N is below 4, or all outputs are the same, as those of a network
            that has collapsed or has one class.
    """
    from sklearn.manifold import TSNE

    if len(probabilities) < 4:
        raise UserError(f'{len(probabilities)} samples are too few')
    # The library divides by their spread, and dies of it.
    if np.ptp(probabilities, axis=0).max() < 1e-12:
        raise UserError('all outputs are the same')

    # The library's perplexity of 30 must stay below N.
    perplexity = min(30.0, (len(probabilities) - 1) / 3)
    tsne = TSNE(
        perplexity=perplexity,
        # One machine's sums must not depend on how many cores it has.
        n_jobs=1,
        init='pca',
        random_state=0,
    )
    return tsne.fit_transform(np.asarray(probabilities, dtype=np.float64))


def draw_embedding(
    panels: Sequence[Axes],
    embedded: Sequence[np.ndarray],
    labels: np.ndarray,
    classes: Sequence[str],
    titles: Sequence[str],
) -> None:
    """Scatter [N, 2] points by their [N] class ids, each class by its name.

    The name stands beside its points, so that ten colours, of which no ten are safe
    for every eye, need not be told apart. All panels, of one or several figures, have
    one scale; each shows the same samples by another classifier.
    """
    everywhere = np.concatenate(embedded)
    low, high = everywhere.min(0), everywhere.max(0)
    margin = MARGIN * np.maximum(high - low, 1e-6)
    shades = colormaps['tab10'](labels % MOST_COLOURS)
    for axes, points, title in zip(panels, embedded, titles, strict=True):
        axes.scatter(points[:, 0], points[:, 1], s=6, c=shades, linewidths=0)
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(title, fontsize=10)
    for figure in {cast(Figure, axes.get_figure(root=True)) for axes in panels}:
        figure.draw_without_rendering()  # to know where everything will be
    for axes, points in zip(panels, embedded, strict=True):
        _name(axes, points, labels, classes)


def _name(
    axes: Axes, points: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> None:
    """Each class's name where it covers no point, nearest to its own ones."""
    seen = axes.transData.transform(points)
    to_data = axes.transData.inverted().transform
    frame = axes.get_window_extent()
    ends = zip(frame.min, frame.max, strict=True)
    grid = np.meshgrid(*(np.arange(low, high, _STEP) for low, high in ends))
    places = np.stack(grid, axis=-1).reshape(-1, 2)
    taken: list[tuple[np.ndarray, np.ndarray]] = []  # centre, and half its size
    ids, numbers = np.unique(labels, return_counts=True)
    core = _cores(seen, labels)
    for c in ids[np.argsort(-numbers, kind='stable')][:MOST_NAMED]:
        shade = colormaps['tab10'](int(c) % MOST_COLOURS)
        look = dict(boxstyle='round,pad=0.15', fc='white', ec=shade, alpha=0.85)
        middle: dict[str, Any] = dict(ha='center', va='center', fontweight='bold')
        name = axes.text(0, 0, classes[c], fontsize=9, bbox=look, **middle)
        name.set_in_layout(False)
        extent = name.get_window_extent()
        half = np.array([extent.width, extent.height]) / 2 + _ROOM
        inside = (places - half > frame.min) & (places + half < frame.max)
        free = inside.all(1)
        for centre, size in taken:
            free &= (np.abs(places - centre) > half + size).any(1)
        if not free.any():  # a name that has no room
            name.remove()
            continue
        gaps = _gaps(places[free], seen, half)
        own, others = core & (labels == c), core & (labels != c)
        # No point under it; then near to its own points, nearer than to others.
        nearest = gaps[:, own].min(1)
        cost = nearest + 1e4 * (gaps == 0).sum(1)
        if others.any():
            cost += 2 * np.maximum(nearest - gaps[:, others].min(1), 0)
        best = cost.argmin()
        centre = places[free][best]
        taken.append((centre, half))
        name.set_position(tuple(to_data(centre)))
        if nearest[best] > 2 * _ROOM:  # away from its points: a line to them
            end = seen[own][gaps[best, own].argmin()]
            axes.plot(*to_data([centre, end]).T, color=shade, lw=0.8, zorder=1)


def _cores(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N] bools: the half of each class about its middle, without what strays."""
    core = np.zeros(len(labels), bool)
    for c in np.unique(labels):
        own = np.flatnonzero(labels == c)
        away = np.hypot(*(points[own] - np.median(points[own], axis=0)).T)
        core[own[np.argsort(away, kind='stable')[: -(-len(own) // 2)]]] = True
    return core


def _gaps(centres: np.ndarray, points: np.ndarray, half: np.ndarray) -> np.ndarray:
    """[P, N] pixels from boxes about [P, 2] centres to [N, 2] points; 0 within."""
    apart = np.abs(centres[:, None] - points) - half
    return np.hypot(*np.moveaxis(np.maximum(apart, 0), -1, 0))
