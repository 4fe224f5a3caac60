"""Output spaces of teachers side by side, by t-SNE (Fig. 6 of the paper)."""

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.shown.style import new_figure
from mcmi_plugin.shown.tsne import draw_embedding, embed
from mcmi_study.results import Results


def scatter_tsne(
    results: Results,
    arms: list[str],
    title: str,
    measure: str = 'output_probabilities',
) -> Figure:
    """One embedding of all arms' predictions for the same samples, panel by panel.

    The measure is the path of an .npz file with ``probabilities`` [N, C], ``labels``
    [N] and ``classes`` [C] names.
    """
    row = results.only_row('scatter_tsne')
    seed, found = results.arrays_of_one_seed(measure, arms)
    arms, files = list(found), list(found.values())
    cmis = [results.by_seed('teacher_cmi', arm, row).get(seed) for arm in arms]
    captions = [
        arm if cmi is None else f'{arm}: CMI {cmi:.3f} nats'
        for arm, cmi in zip(arms, cmis, strict=True)
    ]
    together = np.concatenate([file['probabilities'] for file in files])
    points = np.split(embed(together), len(files))
    figure = new_figure(
        f"{title}t-SNE of the teachers' output probabilities, all panels in one "
        f'embedding; {len(files[0]["labels"])} samples, seed {seed} (n = 1)'
    )
    panels = figure.subplots(1, len(arms), squeeze=False, sharex=True, sharey=True)[0]
    names = [str(name) for name in files[0]['classes']]
    draw_embedding(panels, points, files[0]['labels'], names, captions)
    return figure
