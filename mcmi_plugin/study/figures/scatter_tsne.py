"""Output spaces of teachers side by side, by t-SNE (Fig. 6 of the paper)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.report.style import new_figure, save
from mcmi_plugin.report.tsne import draw_embedding, embed

from . import series


def scatter_tsne(
    results: list[dict],
    path: str,
    measure: str = 'output_probabilities',
    arms: Sequence[str] = ('MLL', 'MCMI'),
    grid: dict[str, str] | None = None,
    title: str = '',
) -> Figure:
    """One embedding of all arms' predictions for the same samples, panel by panel.

    Args:
        results: of the study; the measure is the path of an .npz file with
            ``probabilities`` [N, C], ``labels`` [N] and ``classes`` [C] names.
        path: of the PNG.
        measure: name of the measure.
        arms: one panel each, from left to right.
        grid: {axis: name}: which cell of the grid.
        title: above what the figure says of itself.
    """
    results = series.where(results, grid)
    row = series.only_row(results, 'scatter_tsne')
    drawn = series.arms_of(results, arms)
    files, captions = [], []
    seed = min(result['seed'] for result in results)
    for arm in drawn:
        files.append(np.load(series.by_seed(results, measure, arm, row)[seed]))
        cmi = series.by_seed(results, 'teacher_cmi', arm, row).get(seed)
        captions.append(arm if cmi is None else f'{arm}: CMI {cmi:.3f} nats')
    together = np.concatenate([file['probabilities'] for file in files])
    points = np.split(embed(together), len(files))
    shown = len(files[0]['labels'])
    figure = new_figure(
        f"{title}\nt-SNE of the teachers' output probabilities, all panels in one "
        f'embedding; {shown} samples, seed {seed} (n = 1)'.strip()
    )
    panels = figure.subplots(1, len(drawn), squeeze=False, sharex=True, sharey=True)[0]
    names = [str(name) for name in files[0]['classes']]
    draw_embedding(panels, points, files[0]['labels'], names, captions)
    return save(figure, path)
