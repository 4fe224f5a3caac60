"""Arms by two measures at once: what each has gained of one, and paid of the other."""

from matplotlib.figure import Figure

from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.style import colour_of, legend, new_figure, tidy
from mcmi_study.results import Results, words

# As many as there are colours, over again for the next ones.
MARKERS = 'osD^vP'


def plane(
    results: Results,
    arms: list[str],
    title: str,
    x: str = 'teacher_ll',
    y: str = 'teacher_cmi',
) -> Figure:
    """A small dot for every run, a large one for the mean of an arm.

    Raises:
        UserError: no run of the arms has both measures.
    """
    row = results.only_row('plane')
    figure = new_figure(
        f'{title}large: mean, {results.n(arms)}; small: single runs', height=4.8
    )
    axes = figure.subplots()
    all_arms = results.arms()
    for arm in arms:
        across, up = (results.by_seed(measure, arm, row) for measure in (x, y))
        seeds = sorted(across.keys() & up.keys())
        if not seeds:
            continue
        points = [[of[seed] for seed in seeds] for of in (across, up)]
        index = all_arms.index(arm)
        look: dict = dict(color=colour_of(index), marker=MARKERS[index % len(MARKERS)])
        axes.plot(*points, linestyle='', markersize=3, alpha=0.7, **look)
        means = [[sum(values) / len(seeds)] for values in points]
        axes.plot(*means, linestyle='', markersize=8, label=arm, **look)
    if not axes.lines:
        raise UserError(f'no run has both {x} and {y}; name measures of the study')
    axes.set_xlabel(words(x))
    axes.set_ylabel(words(y))
    tidy(axes)
    legend(axes)
    return figure
