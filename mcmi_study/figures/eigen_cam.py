"""Eigen-CAM of teachers, arm below arm (Figs. 3, 10-13 of the paper)."""

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.shown.eigen_cam import draw_maps
from mcmi_plugin.shown.style import INCHES_WIDE, new_figure
from mcmi_study.results import Results

MOST_ACROSS = 12


def eigen_cam(
    results: Results, arms: list[str], title: str, measure: str = 'eigen_cam'
) -> Figure:
    """Images in a row, then the map of each arm's teacher over them, class by class.

    The measure is the path of an .npz file with ``images`` [N, H, W, 3] uint8, ``maps``
    [N, H, W], ``groups`` [N] names of classes or empty, and ``layer``.
    """
    results.only_row('eigen_cam')
    seed, found = results.arrays_of_one_seed(measure, arms)
    arms, files = list(found), list(found.values())
    blocks = _blocks(files[0]['groups'])
    columns = max(map(len, blocks))
    size = (INCHES_WIDE - 0.5) / columns
    figure = new_figure(
        f'{title}Eigen-CAM of the teachers at {files[0]["layer"]}, bright: most; '
        f'{len(files[0]["images"])} test images, seed {seed} (n = 1)',
        height=0.6 + len(blocks) * (1 + len(arms)) * size,
    )
    panels = figure.subplots(len(blocks) * (1 + len(arms)), columns, squeeze=False)
    for block, rows in zip(blocks, np.split(panels, len(blocks)), strict=True):
        for axes in rows[:, len(block) :].ravel():
            axes.remove()
        images = files[0]['images'][block]
        name = files[0]['groups'][block[0]] or 'image'
        draw_maps(list(rows[0, : len(block)]), images, None, str(name).split(',')[0])
        for of_arm, file, arm in zip(rows[1:], files, arms, strict=True):
            draw_maps(list(of_arm[: len(block)]), images, file['maps'][block], arm)
    return figure


def _blocks(groups: np.ndarray) -> list[np.ndarray]:
    """Indices of the images side by side: of one class, and not too many."""
    blocks = []
    for name in dict.fromkeys(groups.tolist()):
        members = np.flatnonzero(groups == name)
        blocks += np.split(members, range(MOST_ACROSS, len(members), MOST_ACROSS))
    return blocks
