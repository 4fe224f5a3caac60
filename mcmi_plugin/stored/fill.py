"""Fill a store ahead of time, look at a sample of it, and say what the rows tell."""

import json
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce, barrier, get_dist_info, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from torch.utils.data import DataLoader

from mcmi_plugin.datasets.subset import labels_of
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.temperature import TemperatureCurve, temperatures_within
from mcmi_plugin.shown.blocks import Table
from mcmi_plugin.shown.progress import counting
from mcmi_plugin.shown.tables import printable
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.hook import TeacherStoreHook, size_in_words
from mcmi_plugin.stored.images import batches_of
from mcmi_plugin.stored.views import images_of, seen
from mcmi_plugin.whole_file import whole_file

SUMMARY = 'teacher.json'
_CHECKED = 256
_CURVE_BYTES = 2e8


class Filled(Exception):
    """There is nothing more to do: no student is trained."""


class FillHook(Hook):
    """Fill the store of a distillation in place of its training.

    Args:
        console: for the person who waits.
    """

    priority = 36  # behind TeacherStoreHook
    in_place_of_student = "its teacher's outputs are stored"  # for MCMITeacherHook

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()

    def before_train(self, runner: Runner) -> None:
        store = next(h for h in runner.hooks if isinstance(h, TeacherStoreHook))
        if store.answers is None:
            raise UserError(f'teacher_store cannot be used: {store.reason}')
        answers, loader = store.answers, runner.train_dataloader
        table = answers.table
        console = self.console if is_main_process() else Console(quiet=True)
        say = partial(console.print, soft_wrap=True, markup=False, highlight=False)
        say(
            f'{table.path.parent}: {answers.kind} of {table.num_images} images x '
            f'{table.num_views} views, {size_in_words(table.nbytes)} when all are there'
        )
        fill(answers, loader, console)
        barrier()
        if is_main_process():
            say(check_sample(answers, loader.dataset))
        console.print(printable(summarise(answers, loader.dataset)))
        say(f'more digits: {table.path.parent / SUMMARY}')
        barrier()
        raise Filled


def fill(answers: Answers, loader: DataLoader, console: Console) -> None:
    """Ask the teacher for every row that is not there; each process for its share.

    Args:
        answers: begun.
        loader: of the training, whose samples tell their views.
        console: of this process.

    Raises:
        UserError: the disk is full, or an image cannot be read.
    """
    table = answers.table
    rank, world_size = get_dist_info()
    # Each row is looked up by one process for all: another job may fill it meanwhile.
    there = torch.zeros(table.num_rows, dtype=torch.uint8)
    for start, _, whole in table.present(rank, world_size):
        there[start : start + len(whole)] = whole
    all_reduce(there)
    absent = (there == 0).nonzero().flatten()
    ready = table.num_rows - len(absent)
    console.print(f'{ready} of {table.num_rows} rows are there', highlight=False)
    own = absent[rank::world_size]
    batches = batches_of(answers, loader.dataset, own, loader.num_workers)
    with counting(console, table.num_rows, ready, 'rows') as advance:
        for data in batches:
            known = seen(data[1])
            assert known is not None
            answers.rows(*known, lambda: data)  # noqa: B023
            if table.is_full:
                raise UserError(
                    f'{table.path} takes no more rows; make room, then run this again'
                )
            advance('stored', len(data[1]) * world_size)
    answers.flush()


def check_sample(answers: Answers, dataset: Any) -> str:
    """Ask the teacher again for some rows, and compare.

    Returns:
        A line that tells how far they are.

    Raises:
        UserError: rows of the store are not this teacher's.
    """
    number = min(_CHECKED, answers.table.num_rows)
    drawn = np.random.default_rng(0).choice(answers.table.num_rows, number, False)
    numbers = torch.from_numpy(drawn)
    live = [
        answers.ask(inputs, samples, torch.arange(len(inputs)))
        for inputs, samples in batches_of(answers, dataset, numbers, 0)
    ]
    there, largest = answers.table.compared(numbers, torch.cat(live))
    return (
        f'{there} rows were compared with the teacher: they differ by at most '
        f'{largest:.1e} of their largest number'
    )


def summarise(answers: Answers, dataset: Any) -> Table:
    """LL, CMI and the temperature curve of the teacher on the rows that are there.

    They are those of the *training* augmentation, every view counted alike; beside the
    table as ``teacher.json``. All processes call it together, and share the rows.

    Returns:
        The figures at each temperature.
    """
    table = answers.table
    labels = torch.as_tensor(np.asarray(labels_of(images_of(dataset))))
    classifier = answers.kept.classifier if answers.kind == 'features' else None
    classes = answers.kept.widths['logits']
    device = next(answers.model.parameters()).device
    temperatures = temperatures_within(classes, _CURVE_BYTES)
    curve = TemperatureCurve(classes, temperatures, device)
    with torch.no_grad():
        for start, values, whole in table.present(*get_dist_info()):
            if not whole.any():
                continue
            values = values[whole].to(device)
            if classifier is not None:
                values = classifier(values.to(classifier.weight.dtype))
            numbers = (whole.nonzero().flatten() + start) // table.num_views
            curve.update(values, labels[numbers].to(device))
    for statistics in curve.statistics.values():
        statistics.all_reduce()
    points = curve.points()
    accuracy = curve.statistics[1.0].accuracy()
    rows = int(curve.statistics[1.0].counts.sum())
    if is_main_process():
        with whole_file(table.path.parent / SUMMARY, 'w') as file:
            json.dump(dict(rows=rows, accuracy=accuracy, curve=points), file, indent=1)
    cells = [
        [f'{point["temperature"]:g}', f'{point["ll"]:.4f}', f'{point["cmi"]:.4f}']
        for point in points
    ]
    caption = (
        f'the teacher under the training augmentation, {rows:,} rows: accuracy '
        f'{accuracy:.2f} %'
    )
    return Table(('temperature', 'LL, nats', 'CMI, nats'), cells, caption)
