"""A table of differences as a map of colours, zero in its middle."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes


def draw_differences(
    axes: Axes,
    differences: np.ndarray,
    errors: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    unit: str,
) -> None:
    """Colour and print each difference with its standard error.

    A difference of at least two standard errors is printed in bold.

    Args:
        axes: an empty panel.
        differences: [R, K]; NaN where there is none, which stays white.
        errors: [R, K] standard errors; NaN where one run gives none.
        rows: R labels, top to bottom.
        columns: K labels.
        unit: label of the colour bar.
    """
    differences = np.asarray(differences, dtype=float)
    errors = np.asarray(errors, dtype=float)
    finite = np.abs(differences[np.isfinite(differences)])
    largest = (finite.max() if finite.size else 0) or 1.0
    # Purple to orange, white at zero: no red against green.
    image = axes.imshow(
        differences, cmap='PuOr_r', vmin=-largest, vmax=largest, aspect='auto'
    )
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    for (row, column), value in np.ndenumerate(differences):
        if not np.isfinite(value):
            continue
        error = errors[row, column]
        text = f'{value:+.2f}'
        if np.isfinite(error):
            text += f'\n±{error:.2f}'
        axes.text(
            column,
            row,
            text,
            ha='center',
            va='center',
            fontsize=8,
            color='white' if abs(value) > 0.7 * largest else 'black',
            fontweight='bold' if abs(value) >= 2 * error else 'normal',
        )
    axes.figure.colorbar(image, ax=axes, label=unit)
