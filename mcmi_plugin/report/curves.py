"""CMI and LL of a teacher over the epochs of its making (as in the paper's Fig. 2)."""

from typing import IO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = dict(cmi='tab:red', ll='tab:blue')


def draw_curves(
    provenance: dict, control: dict | None, path: str | IO[bytes], settings: str
) -> None:
    """Draw CMI and LL per epoch: the whole way, and the fine-tune on its own scale.

    Both are those of the predictions that the training steps of an epoch made;
    the squares are measured exactly before and after the fine-tune.

    Args:
        provenance: ``meta['mcmi']`` of an MCMI teacher's checkpoint.
        control: the same of the lambda = 0 control, drawn dashed, if there is one.
        path: the picture's file, or what it is written into.
        settings: how the teacher was made, for the title.
    """
    first = provenance['base'].get('history') or []
    second = provenance['history']
    panels = 1 if not (first and second) else 2
    # No pyplot: it would keep global state and look for a screen.
    figure = Figure(figsize=(9 if panels == 2 else 5.5, 3.4), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, panels, squeeze=False)[0]
    if first:
        whole = _panel(panels[0])
        _draw(whole, first, 0, '.-')
        _draw(whole, second, len(first), '.-')
        title = 'maximum likelihood'
        if second:
            end = len(first) + len(second) + 0.5
            panels[0].axvspan(len(first) + 0.5, end, color='0.5', alpha=0.12)
            title += ', then MCMI (shaded)'
        panels[0].set_title(title, fontsize=10)
    if second:
        axes = _panel(panels[-1])
        _draw(axes, second, 0, '.-')
        _mark(axes, provenance)
        title = f'MCMI fine-tune, {settings}'
        if control is not None:
            _draw(axes, control['history'], 0, '--')
            title += ' (dashed: lambda 0)'
        panels[-1].set_title(title, fontsize=10)
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


def _mark(axes: dict[str, Axes], provenance: dict) -> None:
    """What was measured exactly, at both ends of the fine-tune."""
    for key, axis in axes.items():
        measured = [provenance[when]['train'][key] for when in ('before', 'after')]
        ends = [0.5, len(provenance['history']) + 0.5]
        axis.plot(ends, measured, 's', color=COLOURS[key], markerfacecolor='white')


def _draw(axes: dict[str, Axes], history: list[dict], start: int, style: str) -> None:
    epochs = [start + 1 + i for i in range(len(history))]
    for key, axis in axes.items():
        axis.plot(epochs, [epoch[key] for epoch in history], style, color=COLOURS[key])
