"""A confusion matrix, with the classes marked that a student was never shown."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

DROPPED_COLOUR = '#D55E00'
# Numbers in the cells of more classes than this could not be read.
MOST_NUMBERED = 12


def draw_confusion(
    axes: Axes,
    matrix: np.ndarray,
    classes: Sequence[str],
    dropped: Sequence[int] = (),
    title: str = '',
) -> AxesImage:
    """Draw shares of the samples of each true class, row by row.

    Args:
        axes: an empty panel.
        matrix: [C, C] counts or their mean over runs; rows are true classes, as
            mmpretrain's ``ConfusionMatrix`` has them.
        classes: C names.
        dropped: ids of classes without a training sample; their names are
            coloured and end in an asterisk.
        title: of the panel.

    Returns:
        The image, from 0 to 1, for a colour bar.
    """
    matrix = np.asarray(matrix, dtype=float)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    if len(classes) <= MOST_NUMBERED:
        _write_shares(axes, shares)
        names = [f'{n}*' if i in dropped else n for i, n in enumerate(classes)]
        axes.set_xticks(range(len(classes)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(classes)), names, fontsize=8)
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            for label in labels:
                if label.get_text().endswith('*'):
                    label.set_color(DROPPED_COLOUR)
                    label.set_fontweight('bold')
    else:
        for c in dropped:
            axes.plot(-1.5, c, '>', color=DROPPED_COLOUR, ms=3, clip_on=False)
        axes.set_xlim(-0.5, len(classes) - 0.5)
    axes.set_xlabel('predicted class')
    axes.set_ylabel('true class')
    axes.set_title(title, fontsize=10)
    return image


def _write_shares(axes: Axes, shares: np.ndarray) -> None:
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        share = shares[row, column]
        colour = 'white' if share > 0.5 else 'black'
        text = f'{share:.2f}'.removeprefix('0')
        axes.text(column, row, text, ha='center', va='center', color=colour, fontsize=7)
