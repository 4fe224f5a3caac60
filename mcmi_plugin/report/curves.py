"""CMI and LL of a teacher over the epochs of its making (as in the paper's Fig. 2)."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_curves(provenance: dict, path: str) -> None:
    """Draw CMI and LL per epoch, maximum-likelihood training first if it is known.

    Both are those of the predictions that the training steps of an epoch made;
    the squares are measured exactly before and after the fine-tune.

    Args:
        provenance: ``meta['mcmi']`` of an MCMI teacher's checkpoint.
        path: the picture's file.
    """
    first = provenance['base'].get('history') or []
    second = provenance['history']
    # No pyplot: it would keep global state and look for a screen.
    figure = Figure(figsize=(7, 3.6), layout='constrained')
    FigureCanvasAgg(figure)
    left = figure.add_subplot()
    right = left.twinx()
    for axis, key, colour in ((left, 'cmi', 'tab:red'), (right, 'll', 'tab:blue')):
        for history, start in ((first, 0), (second, len(first))):
            epochs = [start + 1 + i for i in range(len(history))]
            axis.plot(epochs, [epoch[key] for epoch in history], '.-', color=colour)
        measured = [provenance[when]['train'][key] for when in ('before', 'after')]
        ends = [len(first) + 0.5, len(first) + len(second) + 0.5]
        axis.plot(ends, measured, 's', color=colour, markerfacecolor='white')
        axis.set_ylabel(f'{key.upper()}, nats', color=colour)
        axis.tick_params(axis='y', labelcolor=colour)
    left.axvspan(
        len(first) + 0.5, len(first) + len(second) + 0.5, color='0.5', alpha=0.12
    )
    left.set_xlabel('epoch')
    left.set_title(
        f'Teacher on its training set: MCMI fine-tune shaded, '
        f'lambda {provenance["lmda"]:g}',
        fontsize=10,
    )
    figure.savefig(path, dpi=150)
