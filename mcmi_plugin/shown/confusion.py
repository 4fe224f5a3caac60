"""Which classes a student takes for which: the matrix, and the worst pairs by name."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from mcmi_plugin.shown.blocks import Block, Matrix, Picture, Table, Text
from mcmi_plugin.shown.style import RED, new_figure, png_of

# A table of more classes cannot be taken in; a picture of more is grey.
MOST_IN_TABLE, MOST_IN_PICTURE = 20, 200
# Numbers in the cells of a picture of more classes could not be read, nor more names.
MOST_NUMBERED, MOST_NAMED = 12, 40
LONGEST = 20  # characters of a name beside a picture
NUM_PAIRS = 10


def confusion_blocks(
    counts: np.ndarray, classes: Sequence[str], samples: str
) -> list[Block]:
    """The blocks of [C, C] counts, by true and predicted class.

    ``samples`` says which and how many were counted.
    """
    counts = np.asarray(counts)
    right, total = int(np.trace(counts)), int(counts.sum())
    caption = (
        f'{right} of {total} right ({100 * right / max(total, 1):.2f} %); {samples}'
    )
    blocks: list[Block] = []
    if len(classes) <= MOST_IN_TABLE:
        blocks.append(Matrix(classes, counts.tolist(), caption))
    elif len(classes) <= MOST_IN_PICTURE:
        figure = new_figure(height=6.5, width=6.5)
        draw_confusion(figure.subplots(), counts, classes)
        words = f'Confusion matrix of {len(classes)} classes, {right} of {total} right'
        blocks.append(Picture(png_of(figure), words, f'Shares of a row. {caption}'))
    else:
        blocks.append(
            Text(f'{len(classes)} classes are too many for a picture. {caption}.')
        )
    pairs = worst_pairs(counts)
    if not pairs:
        return [*blocks, Text('No class was taken for another.')]
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = [
        (classes[t], classes[p], str(counts[t, p]), f'{shares[t, p]:.1f}')
        for t, p in pairs
    ]
    columns = ('true class', 'taken for', 'samples', 'share of the class, %')
    caption = f'Most confused: the {len(rows)} most frequent pairs; {samples}'
    return [*blocks, Table(columns, rows, caption)]


def worst_pairs(counts: np.ndarray) -> list[tuple[int, int]]:
    """(true, predicted) ids of the most frequent mistakes, the worst first."""
    wrong = np.array(counts)
    np.fill_diagonal(wrong, 0)
    # Stable: equal counts in the order of the classes.
    order = np.argsort(-wrong, axis=None, kind='stable')[:NUM_PAIRS]
    pairs = (np.unravel_index(place, wrong.shape) for place in order)
    return [(int(t), int(p)) for t, p in pairs if wrong[t, p] > 0]


def draw_confusion(
    axes: Axes,
    matrix: np.ndarray,
    classes: Sequence[str],
    dropped: Sequence[int] = (),
    title: str = '',
) -> AxesImage:
    """Draw shares of each true class, row by row; up to forty names stand beside.

    Args:
        matrix: [C, C] counts or their mean over runs; rows are true classes.
        dropped: ids of classes without a training sample, which are marked.

    Returns:
        The image, from 0 to 1, for a colour bar.
    """
    matrix = np.asarray(matrix, dtype=float)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-9)
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    if len(classes) <= MOST_NUMBERED:
        _write_shares(axes, shares)
    if len(classes) <= MOST_NAMED:
        names = [_short(n) + '*' * (i in dropped) for i, n in enumerate(classes)]
        axes.set_xticks(range(len(classes)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(classes)), names, fontsize=8)
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            for label in labels:
                if label.get_text().endswith('*'):
                    label.set_color(RED)
                    label.set_fontweight('bold')
    else:
        for c in dropped:
            axes.plot(-1.5, c, '>', color=RED, ms=3, clip_on=False)
        axes.set_xlim(-0.5, len(classes) - 0.5)
    axes.set_xlabel('predicted class')
    axes.set_ylabel('true class')
    axes.set_title(title, fontsize=10)
    return image


def _short(name: str) -> str:
    """The first of a class's names, cut where it would leave no room."""
    name = str(name).split(',')[0]
    return name if len(name) <= LONGEST else f'{name[: LONGEST - 1]}\u2026'


def _write_shares(axes: Axes, shares: np.ndarray) -> None:
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        share = shares[row, column]
        colour = 'white' if share > 0.5 else 'black'
        text = f'{share:.2f}'.removeprefix('0')
        axes.text(column, row, text, ha='center', va='center', color=colour, fontsize=7)
