"""What people and teachers call the same images, side by side."""

import numpy as np
from matplotlib.figure import Figure

from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.style import INCHES_WIDE, new_figure
from mcmi_study.results import Results

MOST_CLASSES = 10
WRITTEN_FROM = 0.095  # smaller shares are shades only


def answers(
    results: Results, arms: list[str], title: str, measure: str = 'people_answers'
) -> Figure:
    """Images in a row; under each a column for people and for every arm's teacher.

    The measure is the path of an .npz file with ``images`` [N, H, W, 3] uint8,
    ``people`` and ``teacher`` [N, C] probabilities, ``labels`` [N] and ``classes``
    [C] names.

    Raises:
        UserError: of no arm it is known what people say.
    """
    results.only_row('answers')
    try:
        results.having(measure, arms)
    except UserError as error:
        raise UserError(f'{error}; set people_counts') from error
    seed, files = results.arrays_of_one_seed(measure, arms)
    first = next(iter(files.values()))
    said = np.stack([first['people'], *(file['teacher'] for file in files.values())], 2)
    # Those that anybody names most, in the order of their labels.
    classes = np.sort(np.argsort(-said.sum((0, 2)), kind='stable')[:MOST_CLASSES])
    names = first['classes']
    figure = new_figure(
        f'{title}the test images that people disagree over most, by label; shades and '
        f'figures: probability, per cent; seed {seed} (n = 1)',
        height=2.6 + 0.28 * len(classes),
    )
    panels = figure.subplots(
        2, len(said), squeeze=False, height_ratios=(1, 0.22 * len(classes))
    )
    size = INCHES_WIDE / len(said) / said.shape[2]  # of a column, for its figures
    for i, (above, below) in enumerate(panels.T):
        above.imshow(first['images'][i])
        above.set_title(str(names[first['labels'][i]]), fontsize=9)
        above.axis('off')
        shares = said[i][classes]
        below.imshow(shares, cmap='Blues', vmin=0, vmax=1, aspect='auto')
        for (line, column), share in np.ndenumerate(shares):
            if share >= WRITTEN_FROM:
                below.text(
                    column,
                    line,
                    f'{100 * share:.0f}',
                    ha='center',
                    va='center',
                    fontsize=min(8, 28 * size),
                    color='white' if share > 0.6 else 'black',
                )
        below.set_xticks(range(said.shape[2]), ['people', *files], rotation=90)
        below.set_yticks(range(len(classes)), names[classes] if i == 0 else [])
        below.tick_params(labelsize=8, length=0)
    return figure
