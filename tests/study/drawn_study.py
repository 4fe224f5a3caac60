"""Made-up results of a study, drawn, and what a figure then says."""

from mcmi_study import figures
from mcmi_study.results import Results

ACCURACY = {'MLL': 70.0, 'lambda = 0': 70.1, 'MCMI': 70.8}


def draw(kind, results, path, **own):
    return figures.draw(kind, Results(results), path, **own)


def study(arms, grid=({},), seeds=3, directory='', **measures):
    """Results of arms x grid x seeds; a measure is ``f(arm, row, seed)``."""
    return [
        dict(
            grid=dict(row),
            arm=arm,
            seed=seed,
            values={name: f(arm, row, seed) for name, f in measures.items()},
            directory=str(directory),
        )
        for row in grid
        for arm in arms
        for seed in range(seeds)
    ]


def accuracy(arm, row, seed):
    return ACCURACY[arm] + [0.0, 0.1, 0.5][seed]


def texts(figure):
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        found += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        found += [text.get_text() for text in axes.texts]
        if axes.get_legend():
            found += [text.get_text() for text in axes.get_legend().get_texts()]
    return '\n'.join(found)
