"""Eigen-CAM of teachers, arm below arm (Figs. 3, 10-13 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.report.eigen_cam import draw_maps
from mcmi_plugin.report.style import INCHES_WIDE, new_figure, save

from . import series

MOST_ACROSS = 12


def eigen_cam(
    results: list[dict],
    path: str,
    measure: str = 'eigen_cam',
    arms: Sequence[str] = ('MLL', 'MCMI'),
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """Images in a row, then the map of each arm's teacher over them, class by class.

    Args:
        results: of the study; the measure is the path of an .npz file with
            ``images`` [N, H, W, 3] uint8, ``maps`` [N, H, W], ``groups``
            [N] names of classes or empty, and ``layer``.
        path: of the PNG.
        measure: name of the measure.
        arms: one row each.
        grid: {axis: name}: which cell of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    row = series.only_row(results, 'eigen_cam')
    drawn = series.arms_of(results, arms)
    seed = min(result['seed'] for result in results)
    files = [np.load(series.by_seed(results, measure, a, row)[seed]) for a in drawn]
    blocks = _blocks(files[0]['groups'])
    columns = max(map(len, blocks))
    size = (INCHES_WIDE - 0.5) / columns
    figure = new_figure(
        f'{title}\nEigen-CAM of the teachers at {files[0]["layer"]}, bright: most; '
        f'{len(files[0]["images"])} test images, seed {seed} (n = 1)'.strip(),
        height=0.6 + len(blocks) * (1 + len(drawn)) * size,
    )
    panels = figure.subplots(len(blocks) * (1 + len(drawn)), columns, squeeze=False)
    for block, rows in zip(blocks, np.split(panels, len(blocks)), strict=True):
        for axes in rows[:, len(block) :].ravel():
            axes.remove()
        images = files[0]['images'][block]
        name = files[0]['groups'][block[0]] or 'image'
        draw_maps(list(rows[0, : len(block)]), images, None, str(name).split(',')[0])
        for panels_of_arm, file, arm in zip(rows[1:], files, drawn, strict=True):
            draw_maps(
                list(panels_of_arm[: len(block)]), images, file['maps'][block], arm
            )
    return save(figure, path)


def _blocks(groups: np.ndarray) -> list[np.ndarray]:
    """Indices of the images side by side: of one class, and not too many."""
    blocks = []
    for name in dict.fromkeys(groups.tolist()):
        members = np.flatnonzero(groups == name)
        blocks += np.split(members, range(MOST_ACROSS, len(members), MOST_ACROSS))
    return blocks
