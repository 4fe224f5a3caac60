"""Which classes a student takes for which: the matrix, and the worst pairs by name."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mcmi_plugin.report.confusion import draw_confusion
from mcmi_plugin.report.page import Block, Matrix, Picture, Table, Text

# A table of more classes cannot be taken in; a picture of more is grey.
MOST_IN_TABLE, MOST_IN_PICTURE = 20, 200
NUM_PAIRS = 10


def confusion_blocks(
    counts: np.ndarray, classes: Sequence[str], samples: str
) -> list[Block]:
    """The blocks of a confusion matrix.

    Args:
        counts: [C, C] ints; rows are true classes.
        classes: C names.
        samples: which and how many samples were counted.
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
        figure = Figure(figsize=(5, 5), layout='constrained')
        FigureCanvasAgg(figure)
        draw_confusion(figure.subplots(), counts, classes)
        png = io.BytesIO()
        figure.savefig(png, dpi=160, metadata=dict(Software=None))
        words = f'Confusion matrix of {len(classes)} classes, {right} of {total} right'
        blocks.append(Picture(png.getvalue(), words, f'Shares of a row. {caption}'))
    else:
        blocks.append(
            Text(f'{len(classes)} classes are too many for a picture. {caption}.')
        )
    pairs = worst_pairs(counts)
    if not pairs:
        return [*blocks, Text('No class was taken for another.')]
    rows = [
        (
            classes[t],
            classes[p],
            str(counts[t, p]),
            f'{100 * counts[t, p] / counts[t].sum():.1f}',
        )
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
