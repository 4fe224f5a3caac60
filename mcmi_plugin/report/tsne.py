"""The output space of a classifier in two dimensions (Fig. 6 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

MOST_COLOURS = 10


def embed(probabilities: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, 2008) of output probabilities.

    Args:
        probabilities: [N, C], N of at least 4. Of several classifiers, embed all
            at once: two embeddings of their own have no common scale.
        seed: of its random start.

    Returns:
        [N, 2] float32.
    """
    from sklearn.manifold import TSNE

    # The library's perplexity of 30 must stay below N.
    perplexity = min(30.0, (len(probabilities) - 1) / 3)
    tsne = TSNE(
        perplexity=perplexity,
        # One machine's sums must not depend on how many cores it has.
        n_jobs=1,
        init='pca',
        random_state=seed,
    )
    return tsne.fit_transform(np.asarray(probabilities, dtype=np.float64))


def draw_embedding(
    axes: Axes,
    points: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    title: str = '',
) -> None:
    """Scatter [N, 2] points by their [N] class ids, each class by its name.

    The name stands at the median of its points, so that ten colours, of which no
    ten are safe for every eye, need not be told apart.
    """
    from matplotlib import colormaps

    shades = colormaps['tab10']
    for c in np.unique(labels):
        of_class = points[labels == c]
        shade = shades(int(c) % MOST_COLOURS)
        axes.scatter(
            of_class[:, 0],
            of_class[:, 1],
            s=6,
            color=shade,
            linewidths=0,
            label=classes[c],
        )
        axes.annotate(
            classes[c],
            np.median(of_class, axis=0),
            ha='center',
            va='center',
            fontsize=9,
            fontweight='bold',
            bbox=dict(boxstyle='round,pad=0.15', fc='white', ec=shade, alpha=0.85),
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=10)
