"""CMI and LL of a teacher over the epochs of its making (as in the paper's Fig. 2)."""

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = dict(cmi='tab:red', ll='tab:blue')


def draw_curves(provenance: dict, control: dict | None, path: str) -> None:
    """Draw CMI and LL per epoch: the whole way, and the fine-tune on its own scale.

    Both are those of the predictions that the training steps of an epoch made;
    the squares are measured exactly before and after the fine-tune.

    Args:
        provenance: ``meta['mcmi']`` of an MCMI teacher's checkpoint.
        control: the same of the lambda = 0 control, drawn dashed, if there is one.
        path: the picture's file.
    """
    first = provenance['base'].get('history') or []
    # No pyplot: it would keep global state and look for a screen.
    figure = Figure(figsize=(9, 3.4) if first else (5.5, 3.4), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2 if first else 1, squeeze=False)[0]
    fine_tune = panels[-1]
    if first:
        whole = _panel(panels[0])
        _draw(whole, first, 0, '.-')
        _draw(whole, provenance['history'], len(first), '.-')
        end = len(first) + len(provenance['history']) + 0.5
        panels[0].axvspan(len(first) + 0.5, end, color='0.5', alpha=0.12)
        panels[0].set_title('maximum likelihood, then MCMI (shaded)', fontsize=10)
    axes = _panel(fine_tune)
    _draw(axes, provenance['history'], 0, '.-')
    for key, axis in axes.items():
        measured = [provenance[when]['train'][key] for when in ('before', 'after')]
        ends = [0.5, len(provenance['history']) + 0.5]
        axis.plot(ends, measured, 's', color=COLOURS[key], markerfacecolor='white')
    title = f'MCMI fine-tune, lambda {provenance["lmda"]:g}'
    if control is not None:
        _draw(axes, control['history'], 0, '--')
        title += ' (dashed: lambda 0)'
    fine_tune.set_title(title, fontsize=10)
    figure.suptitle('Teacher on its training set', fontsize=11)
    figure.savefig(path, dpi=150)


def _panel(left: Axes) -> dict[str, Axes]:
    """CMI to the left, LL to the right."""
    axes = dict(cmi=left, ll=left.twinx())
    for key, axis in axes.items():
        axis.set_ylabel(f'{key.upper()}, nats', color=COLOURS[key])
        axis.tick_params(axis='y', labelcolor=COLOURS[key])
    left.set_xlabel('epoch')
    return axes


def _draw(axes: dict[str, Axes], history: list[dict], start: int, style: str) -> None:
    epochs = [start + 1 + i for i in range(len(history))]
    for key, axis in axes.items():
        axis.plot(epochs, [epoch[key] for epoch in history], style, color=COLOURS[key])
