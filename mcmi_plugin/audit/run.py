"""The checkpoints of one training run side by side, and which of them to choose."""

from functools import partial

from matplotlib import colormaps
from rich.console import Console

from mcmi_plugin.audit.figures import split_figures
from mcmi_plugin.audit.model import fill_teacher
from mcmi_plugin.audit.opened import Opened
from mcmi_plugin.audit.output import write_files
from mcmi_plugin.audit.passes import num_samples, pass_over
from mcmi_plugin.errors import UserError
from mcmi_plugin.last_checkpoint import numbered
from mcmi_plugin.shown.blocks import Picture, Section, Table, Text
from mcmi_plugin.shown.progress import counting
from mcmi_plugin.shown.style import BLUE, RED, legend, new_figure, png_of, whole_epochs
from mcmi_plugin.shown.tables import printable

_SPLITS = (('train', BLUE, 'training set'), ('val', RED, 'held out'))
_COLUMNS = (
    ('train', 'll', 'LL', '.4f'),
    ('train', 'cmi', 'CMI', '.4f'),
    ('val', 'accuracy', 'accuracy held out', '.2f'),
    ('val', 'll', 'LL held out', '.4f'),
    ('val', 'cmi', 'CMI held out', '.4f'),
    ('val', 'calibration_error', 'error', '.2f'),
    ('train', 'temperature_of_cmi', 'T of CMI', 'g'),
    ('val', 'temperature_of_ll', 'T of LL', 'g'),
)
_CAPTION = (
    'LL and CMI in nats, of the training set unaugmented and of held-out data; '
    'accuracy in per cent; error: the expected calibration error held out, in points; '
    'T of the highest CMI on the training set, and of the best LL held out'
)


def saved_states(folder: str) -> list[tuple[str, int, str]]:
    """(``epoch`` or ``iter``, its number, file) of a run's checkpoints, in order.

    Raises:
        UserError: there are fewer than two.
    """
    found = [(unit, number, str(path)) for unit, number, path in numbered(folder)]
    if len(found) < 2:
        raise UserError(
            f'{folder}: has {len(found)} of epoch_N.pth; two or more are compared: '
            'train with default_hooks.checkpoint.max_keep_ckpts=-1, or name one file'
        )
    return found


def audit_run(opened: Opened, folder: str, console: Console) -> dict:
    """Two passes for each checkpoint of a run.

    Returns:
        Plain numbers and words: ``states``, a dict a checkpoint with ``step``,
        ``checkpoint``, ``train`` and ``val`` (:func:`.split_figures`), and
        ``chosen``, the steps of the highest ``ll`` and ``cmi`` on held-out data.

    Raises:
        UserError: as :func:`saved_states`, or a file of another network.
    """
    saved = saved_states(folder)
    found = opened.described(folder)
    found['unit'] = saved[-1][0]
    states = found['states'] = []
    each = sum(num_samples(loader) for loader in opened.loaders.values())
    with counting(console, each * len(saved)) as advance:
        for unit, step, path in saved:
            fill_teacher(opened.teacher, path)
            state: dict = dict(step=step, checkpoint=path)
            for split, loader in opened.loaders.items():
                told = partial(advance, f'{unit} {step}')
                state[split] = split_figures(pass_over(loader, opened.teacher, told))
            states.append(state)
    found['chosen'] = {
        key: max(states, key=lambda state: state['val'][key])['step']
        for key in ('ll', 'cmi')
    }
    return found


def run_table(found: dict) -> Table:
    """A row a checkpoint; the last column marks what held-out data would choose."""
    chosen, rows = found['chosen'], []
    for state in found['states']:
        cells = [format(state[split][key], how) for split, key, _, how in _COLUMNS]
        by = [key.upper() for key, step in chosen.items() if step == state['step']]
        rows.append([str(state['step']), *cells, ' and '.join(by)])
    names = (found['unit'], *(name for *_, name, _ in _COLUMNS), 'chosen by')
    return Table(names, rows, _CAPTION)


def run_picture(found: dict) -> bytes:
    """-LL, CMI and calibration against the epoch, and the temperature curves; PNG."""
    figure = new_figure(f'{found["network"]}: what one training went through', 6.4)
    panels = figure.subplots(2, 2)
    steps = [state['step'] for state in found['states']]
    curves = (('ll', -1, '-LL, nats'), ('cmi', 1, 'CMI, nats'))
    for axes, (key, sign, name) in zip(panels[0], curves, strict=True):
        for split, colour, words in _SPLITS:
            values = [sign * state[split][key] for state in found['states']]
            axes.plot(steps, values, color=colour, marker='.', label=words)
        best = found['chosen'][key]
        axes.axvline(best, color='0.4', linestyle=':', label=f'chosen: {best}')
        axes.set_ylabel(name)
        legend(axes)
    calibration, temperatures = panels[1]
    errors = [state['val']['calibration_error'] for state in found['states']]
    calibration.plot(steps, errors, color=RED, marker='.')
    calibration.set_ylabel('calibration error held out, points')
    for axes in (*panels[0], calibration):
        axes.set_xlabel(found['unit'])
        whole_epochs(axes)
    shades = colormaps['viridis_r']
    for number, state in enumerate(found['states']):
        points = state['train']['temperatures']
        ends = number in (0, len(steps) - 1)
        temperatures.plot(
            [point['temperature'] for point in points],
            [point['cmi'] for point in points],
            color=shades(number / (len(steps) - 1)),
            label=f'{found["unit"]} {state["step"]}' if ends else '_',
        )
    temperatures.set_xscale('log', base=2)
    temperatures.set_xlabel('temperature T of the logits')
    temperatures.set_ylabel('CMI, nats')
    legend(temperatures)
    return png_of(figure, dpi=100)


def print_run(audit: dict, console: Console) -> None:
    """The table, and what it says."""
    console.print(printable(run_table(audit), right=True, padding=0))
    console.print(f'- {_in_words(audit)}', soft_wrap=True)


def write_run(audit: dict, folder: str) -> None:
    """Write ``audit.html``, ``audit.json`` and ``run.png``.

    Raises:
        UserError: the folder cannot be written.
    """
    picture = run_picture(audit)
    words = _in_words(audit)
    sections = [
        Section('Checkpoints', [run_table(audit), Text(words)]),
        Section('Picture', [Picture(picture, words)]),
    ]
    title = f'Audit of a run of {audit["network"]}'
    write_files(audit, folder, title, {'run.png': picture}, sections)


def _in_words(found: dict) -> str:
    unit, ll, cmi = found['unit'], found['chosen']['ll'], found['chosen']['cmi']
    last = found['states'][-1]['step']
    if ll == cmi:
        words = f'Held-out LL and held-out CMI both choose {unit} {ll}'
    else:
        words = f'Held-out LL chooses {unit} {ll}, held-out CMI {unit} {cmi}'
    return (
        f'{words}; the last is {last}. Which of them teaches best only a student '
        'tells: name its file as model.teacher_ckpt.'
    )
