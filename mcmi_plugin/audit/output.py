"""An audit on the screen and on the disk."""

import json
import os.path as osp
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from mcmi_plugin.audit.opened import Opened
from mcmi_plugin.audit.pictures import reliability_picture, temperature_picture
from mcmi_plugin.audit.reading import temperature_words
from mcmi_plugin.functional.calibration import BINS
from mcmi_plugin.shown.blocks import KeyFigures, Picture, Section, Table, Text
from mcmi_plugin.shown.page import write_page
from mcmi_plugin.shown.tables import printable
from mcmi_plugin.whole_file import whole_file

SHOWN_CLASSES = 5
CAPTION = (
    'both through the pipeline of the validation data; CMI, LL, entropy and lambda '
    'are about the training set, accuracy and calibration about the held-out one; '
    f'calibration error: expected, {BINS} bins of equal width'
)
# Of split_figures: key, name with unit, format.
_ROWS = (
    ('num_samples', 'samples', ','),
    ('accuracy', 'accuracy, %', '.2f'),
    ('ll', 'LL, nats', '.4f'),
    ('cmi', 'CMI, nats', '.4f'),
    ('entropy', 'mean entropy, nats', '.4f'),
    ('confidence', 'mean confidence, %', '.2f'),
    ('calibration_error', 'calibration error, points', '.2f'),
)
_OF_PEOPLE = (
    ('distance', 'distance', '.2f'),
    ('kl', 'KL, nats', '.4f'),
    ('correlation', 'correlation of the probabilities', '.4f'),
    ('entropy_correlation', 'correlation of the entropies', '.4f'),
    ('entropy', 'mean entropy, nats', '.4f'),
)
_BEST = (
    ('temperature_of_cmi', 'T of the highest CMI'),
    ('temperature_of_ll', 'T of the best LL'),
)


def main_table(audit: dict) -> Table:
    """The figures of both data sets."""
    splits = audit['train'], audit['val']
    rows = [
        [name, *(format(split[key], how) for split in splits)]
        for key, name, how in _ROWS
    ]
    return Table(('', 'training set', 'held out'), rows, CAPTION)


def temperature_rows(audit: dict) -> list[tuple[str, str, str]]:
    """(name, on the training set, held out) of the best temperatures."""
    train, val = audit['train'], audit['val']
    return [
        (name, temperature_words(train, key), temperature_words(val, key))
        for key, name in _BEST
    ]


def lambda_rows(audit: dict) -> list[tuple[str, str, str]]:
    """(name, value, remark): lambda's range and the cliff."""
    found = audit['lambda']
    if 'missing' in found:
        number = len(found['missing'])
        return [('lambda', 'none', f'{number} classes without a training sample')]
    flip = 'no bound' if found['flip'] is None else f'{found["flip"]:.3g}'
    low_to_high = f'{found["low"]:.3g} to {found["high"]:.3g}'
    why = f'because of class {found["label"]}, which looks least like {found["least"]}'
    return [
        ('lambda to search', low_to_high, 'with fixed centroids, on a log scale'),
        ('labels may flip near lambda', flip, why),
    ]


def class_table(audit: dict) -> Table:
    """The classes with the highest and the lowest CMI on the training set."""
    classes = [one for one in audit['classes'] if one['cmi'] is not None]
    classes = sorted(classes, key=lambda one: -one['cmi'])
    forms = dict(name='', cmi='.4f', ll='.4f', accuracy='.2f', samples=',')
    rows = [[format(one[k], form) for k, form in forms.items()] for one in classes]
    if len(rows) > 2 * SHOWN_CLASSES:
        between = ['...', '', '', '', '']
        rows = [*rows[:SHOWN_CLASSES], between, *rows[-SHOWN_CLASSES:]]
    columns = ('class', 'CMI, nats', 'LL, nats', 'accuracy, %', 'samples')
    caption = 'classes by their CMI on the training set, highest first'
    return Table(columns, rows, caption)


def people_table(audit: dict) -> Table:
    """The classifier against what people called the same images."""
    people = audit['people']
    rows = [
        [name, *(_or_none(people[part][key], how) for part in ('as_is', 'fitted'))]
        for key, name, how in _OF_PEOPLE
    ]
    entropy = f'{people["as_is"]["people_entropy"]:.4f}'
    rows.append(["people's mean entropy, nats", entropy, entropy])
    columns = ('against people', 'T = 1', f'T = {people["temperature"]:.3g}')
    caption = (
        f'{people["num_samples"]:,} images of the test set; T fits people best on as '
        'many others; distance: mean L2 x 100, as Pdist; KL(people || P); correlation: '
        "Pearson's"
    )
    return Table(columns, rows, caption)


def _or_none(value: float | None, how: str) -> str:
    return 'none' if value is None else format(value, how)


def print_audit(audit: dict, console: Console) -> None:
    """The tables and what they mean."""
    figures = main_table(audit)
    rows = [*figures.rows, *temperature_rows(audit)]
    rows += [(name, value, '') for name, value, _ in lambda_rows(audit)]
    figures = replace(figures, rows=rows)
    tables = [figures, class_table(audit)]
    if 'people' in audit:
        tables.append(people_table(audit))
    for table in tables:
        console.print(printable(table, right=True))
    for sentence in audit['reading']:
        console.print(f'- {sentence}', soft_wrap=True)


def write_audit(audit: dict, folder: str) -> None:
    """Write ``audit.html``, ``audit.json`` and the pictures.

    Raises:
        UserError: the folder cannot be written.
    """
    curve = temperature_picture(audit['train'], audit['val'])
    reliability = reliability_picture(audit['val'])
    train, held_out = audit['train'], audit['val']
    of_curve = (
        'CMI and cross-entropy against the temperature of the logits: CMI is highest '
        f'at T = {train["temperature_of_cmi"]:g}, LL best at '
        f'T = {train["temperature_of_ll"]:g}, on held-out data at '
        f'T = {held_out["temperature_of_ll"]:g}'
    )
    below_curve = 'The CMI that a student hears at the temperature (tau) of its '
    of_bins = (
        'accuracy against confidence in bins; expected calibration error '
        f'{held_out["calibration_error"]:.2f} points'
    )
    below_bins = 'Bars below the line: more confident than right.'
    sections = [
        Section('Figures', [KeyFigures(_cards(audit)), main_table(audit)]),
        Section('What they mean', [Text('\n\n'.join(audit['reading']))]),
        Section('Temperature', [Picture(curve, of_curve, f'{below_curve}distiller.')]),
        Section('Calibration', [Picture(reliability, of_bins, below_bins)]),
        Section('Classes', [class_table(audit)]),
    ]
    if 'people' in audit:
        sections.append(Section('People', [people_table(audit)]))
    pictures = {'temperature.png': curve, 'reliability.png': reliability}
    write_files(audit, folder, f'Audit of {audit["network"]}', pictures, sections)


def write_files(
    audit: dict,
    folder: str,
    title: str,
    pictures: dict[str, bytes],
    sections: Sequence[Section],
) -> None:
    """An audit's pictures, its figures, and its page, which ends in where it is from.

    Raises:
        UserError: the folder cannot be written.
    """
    text = json.dumps(audit, indent=1, allow_nan=False)
    for name, content in {**pictures, 'audit.json': text.encode()}.items():
        with whole_file(osp.join(folder, name)) as file:
            file.write(content)
    end = Section('Provenance', [Table(('', ''), Opened.provenance(audit))])
    page = osp.join(folder, 'audit.html')
    write_page(page, title, [*sections, end], audit['checkpoint'])


def _cards(audit: dict) -> list[tuple[str, str, str]]:
    temperatures = [
        (name, value, f'on the training set; held out: {held_out}')
        for name, value, held_out in temperature_rows(audit)
    ]
    return [*lambda_rows(audit), *temperatures]
