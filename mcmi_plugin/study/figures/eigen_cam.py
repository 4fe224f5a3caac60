"""Eigen-CAM of teachers, arm below arm (Figs. 3, 10-13 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.report.eigen_cam import draw_maps
from mcmi_plugin.report.style import INCHES_WIDE, new_figure, save

from . import series


def eigen_cam(
    results: list[dict],
    path: str,
    measure: str = 'eigen_cam',
    arms: Sequence[str] = ('MLL', 'MCMI'),
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """Images in the first row, then the map of each arm's teacher over them.

    Args:
        results: of the study; the measure is the path of an .npz file with
            ``images`` [N, H, W, 3] uint8, ``maps`` [N, H, W] and ``layer``.
        path: of the PNG.
        measure: name of the measure.
        arms: one row each.
        grid: {axis: name}: which cell of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    drawn = series.arms_of(results, arms)
    seed = min(result['seed'] for result in results)
    files = [np.load(series.by_seed(results, measure, a, {})[seed]) for a in drawn]
    images = files[0]['images']
    figure = new_figure(
        f'{title}\nEigen-CAM of the teachers at {files[0]["layer"]}, bright: most; '
        f'{len(images)} test images, seed {seed} (n = 1)'.strip(),
        height=0.6 + (1 + len(drawn)) * (INCHES_WIDE - 0.5) / len(images),
    )
    panels = figure.subplots(1 + len(drawn), len(images), squeeze=False)
    draw_maps(panels[0], images, None, 'image')
    for row, file, arm in zip(panels[1:], files, drawn, strict=True):
        draw_maps(row, images, file['maps'], arm)
    return save(figure, path)
