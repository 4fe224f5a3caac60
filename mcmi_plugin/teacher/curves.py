"""CMI and LL of a teacher over the epochs of its making (as in the paper's Fig. 2)."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D

from mcmi_plugin.shown.style import colour_of, new_figure, tidy, whole_epochs

DRAWN = ('cmi', 'll')
WIDTH, HEIGHT = 4.6, 5.2  # inches of a stage; two stand beside one another
# What each kind of figure is of; the former has the noise of training on it.
IN_STEPS = 'training steps, images as trained on'
AT_REST = 'measured, images not augmented'


@dataclass(frozen=True)
class Teacher:
    """One teacher on its way through a stage."""

    name: str
    history: Sequence[dict]  # ``cmi`` and ``ll`` of the training steps of each epoch
    measured: dict[int, dict]  # the same by the epochs done, measured at rest
    likelihood: bool  # whether it is trained by likelihood alone


def stages(
    provenance: dict, control: dict | None, made: str, words: str
) -> list[tuple[str, list[Teacher]]]:
    """(title, the teachers in it) of each stage that has a history.

    Args:
        provenance: ``meta['mcmi']`` of an MCMI teacher's checkpoint.
        control: the same of the lambda = 0 control, if there is one.
    """
    first = provenance['base'].get('history') or []
    found = []
    if first:
        kept = provenance['base'].get('kept_epoch', len(first))
        measured = {kept: provenance['before']['train']}
        found.append(('maximum likelihood', [Teacher('MLL', first, measured, True)]))
    if provenance['history']:
        of_stage = [_fine_tuned(provenance, made, False)]
        if control is not None:  # first, so that it lies beneath
            of_stage.insert(0, _fine_tuned(control, 'lambda = 0', True))
        found.append((f'fine-tune, {words}', of_stage))
    return found


def _fine_tuned(provenance: dict, name: str, likelihood: bool) -> Teacher:
    history = provenance['history']
    kept = provenance.get('stopped_after', len(history))
    ends = {0: provenance['before']['train'], kept: provenance['after']['train']}
    return Teacher(name, history, ends, likelihood)


def draw_curves(
    found: Sequence[tuple[str, list[Teacher]]], only: int | None = None
) -> Figure:
    """Of every stage of :func:`stages`, the CMI in a panel over the LL.

    ``only`` draws one of them alone, as it stands beside the others.
    """
    shown = found if only is None else [found[only]]
    figure = new_figure('Teacher on its training set', HEIGHT, WIDTH * len(shown))
    parts = figure.subfigures(1, len(shown), squeeze=False)[0]
    rows = max(len(teachers) for _, teachers in found)
    for part, (name, teachers) in zip(parts, shown, strict=True):
        _draw_stage(part, textwrap.fill(name, 52), teachers, rows)
    return figure


def _draw_stage(
    figure: FigureBase, title: str, teachers: Sequence[Teacher], rows: int
) -> None:
    panels = figure.subplots(len(DRAWN), 1, sharex=True)
    for axes, key in zip(panels, DRAWN, strict=True):
        for layer, teacher in enumerate(teachers):
            values = [epoch[key] for epoch in teacher.history]
            # What lies beneath is wide, so that it is seen on both sides.
            wide = layer < len(teachers) - 1
            look = dict(color=colour_of(not teacher.likelihood), zorder=3 + layer)
            line, width, size = ('--', 2.5, 9) if wide else ('.-', 1.5, 6)
            name = f'{teacher.name}: {IN_STEPS}'
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, line, lw=width, label=name, **look)
            ends = [figures[key] for figures in teacher.measured.values()]
            look |= dict(markerfacecolor='white', markeredgewidth=1.5, clip_on=False)
            name = f'{teacher.name}: {AT_REST}'
            axes.plot(list(teacher.measured), ends, 's', ms=size, label=name, **look)
        axes.set_ylabel(f'{key.upper()}, nats')
        whole_epochs(axes)
        tidy(axes)
    panels[0].set_title(title, fontsize=10)
    panels[-1].set_xlabel('epoch')
    handles, names = panels[0].get_legend_handles_labels()
    missing = 2 * rows - len(names)
    handles += [Line2D([], [], ls='')] * missing  # room, for equal panels
    names += [' '] * missing
    where: dict = dict(loc='outside lower left', fontsize=8.5, frameon=False)
    figure.legend(handles, names, **where)
