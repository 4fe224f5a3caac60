"""Fill a store ahead of time, look at a sample of it, and say what the rows tell."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.dist import barrier, get_dist_info, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from torch import Tensor

from mcmi_plugin.errors import UserError
from mcmi_plugin.fast.lean import LeanDistill
from mcmi_plugin.functional.temperature import TemperatureCurve, temperatures_within
from mcmi_plugin.shown.blocks import Table
from mcmi_plugin.shown.progress import time_left
from mcmi_plugin.shown.tables import printable
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.hook import TeacherStoreHook, size_in_words
from mcmi_plugin.stored.images import batches_of
from mcmi_plugin.stored.views import images_of
from mcmi_plugin.whole_file import whole_file

SUMMARY = 'teacher.json'
_CHECKED = 256
_EVERY = 30.0  # seconds between two lines
# Largest distance of a row that was read back from the teacher's, of the largest
# number in it: rounding, and what another device or another batch makes of it.
_NEAR = dict(float16=5e-3, float32=1e-3, int8=2e-2)
_CURVE_BYTES = 2e8


class Filled(Exception):
    """There is nothing more to do: no student is trained."""


class FillHook(Hook):
    """Fill the store of a distillation in place of its training.

    Args:
        say: is given each line for the person who waits.
    """

    priority = 36  # behind TeacherStoreHook

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def before_train(self, runner: Runner) -> None:
        store = next(h for h in runner.hooks if isinstance(h, TeacherStoreHook))
        if store.answers is None:
            raise UserError(f'teacher_store cannot be used: {store.reason}')
        answers, dataset = store.answers, runner.train_dataloader.dataset
        table = answers.table
        self.say(
            f'{table.path.parent}: {answers.kind} of {table.num_images} images x '
            f'{table.num_views} views, {size_in_words(table.nbytes)} when all are there'
        )
        workers = runner.train_dataloader.num_workers
        fill(answers, dataset, workers, self.say)
        table.flush()
        barrier()
        if is_main_process():
            self.say(check_sample(answers, dataset))
            Console().print(printable(summarise(answers, dataset)))
            self.say(f'more digits: {table.path.parent / SUMMARY}')
        barrier()
        raise Filled


def fill(
    answers: Answers, dataset: Any, workers: int, say: Callable[[str], None]
) -> None:
    """Ask the teacher for every row that is not there; each process for its share.

    Args:
        answers: begun.
        dataset: that is trained on, whose samples tell their views.
        workers: processes that make the images.
        say: as for :class:`FillHook`.

    Raises:
        UserError: the disk is full, or an image cannot be read.
    """
    table = answers.table
    parts = [(~whole).nonzero().flatten() + at for at, _, whole in table.present()]
    absent = torch.cat(parts)
    rank, world_size = get_dist_info()
    total = table.num_images * table.num_views
    say(f'{total - len(absent)} of {total} rows are there')
    barrier()  # all have looked before one writes
    own = absent[rank::world_size]
    if not len(own):
        return
    started = said = time.monotonic()
    done = 0
    for inputs, samples in batches_of(answers, dataset, own, workers):
        _ask_as_in_a_step(answers.model, inputs, samples)
        if table.is_full:
            raise UserError(
                f'{table.path} takes no more rows; make room, then run this again'
            )
        done += len(inputs)
        now = time.monotonic()
        if now - said >= _EVERY or done == len(own):
            said = now
            ready = total - len(absent) + min(done * world_size, len(absent))
            left = time_left(now - started, done, len(own))
            say(f'{ready} of {total} rows, {left}')


def _ask_as_in_a_step(model: Any, inputs: Tensor, samples: Any) -> None:
    if isinstance(model, LeanDistill):
        model.teach(inputs, samples)
        return
    with model.distiller.teacher_recorders, torch.no_grad():
        model.teacher(inputs, samples, mode='loss')


@torch.no_grad()
def check_sample(answers: Answers, dataset: Any) -> str:
    """Ask the teacher again for some rows, and compare.

    Returns:
        A line that tells how far they are.

    Raises:
        UserError: rows of the store are not this teacher's.
    """
    table = answers.table
    total = table.num_images * table.num_views
    numbers = torch.from_numpy(
        np.random.default_rng(0).choice(total, min(_CHECKED, total), replace=False)
    )
    images, views = numbers // table.num_views, numbers % table.num_views
    kept, there = table.rows(images, views)
    live = []
    for inputs, _ in batches_of(answers, dataset, numbers, 0):
        # Through the teacher's door, so that it sees its own normalisation.
        with _taking(answers) as asked:
            answers.model.teacher(inputs, None, mode='tensor')
        live.append(asked[0])
    found = torch.cat(live)
    far = ((kept - found).abs().amax(1) / found.abs().amax(1).clamp(min=1e-6))[there]
    largest = float(far.max()) if len(far) else 0.0
    if largest > _NEAR[table.records.dtype]:
        raise UserError(
            f'{table.path} is not of this teacher: a row differs by {largest:.2g} of '
            f'its largest number; remove the folder {table.path.parent}'
        )
    return (
        f'{len(far)} rows were compared with the teacher: they differ by at most '
        f'{largest:.1e} of their largest number'
    )


@contextlib.contextmanager
def _taking(answers: Answers):
    """What a run of the teacher itself gives of the kind that is kept."""
    found: list[Tensor] = []
    teacher = answers.model.teacher
    layer = answers.kept.classifier if answers.kind == 'features' else teacher
    assert layer is not None
    handle = layer.register_forward_hook(
        lambda module, given, output: found.append(
            (output if layer is teacher else given[0]).float().cpu()
        )
    )
    try:
        yield found
    finally:
        handle.remove()


def summarise(answers: Answers, dataset: Any) -> Table:
    """LL, CMI and the temperature curve of the teacher on the rows that are there.

    They are those of the *training* augmentation, every view counted alike; beside the
    table as ``teacher.json``.

    Returns:
        The figures at each temperature.
    """
    table = answers.table
    labels = _labels(images_of(dataset))
    classifier = answers.kept.classifier if answers.kind == 'features' else None
    classes = answers.kept.widths['logits']
    curve = TemperatureCurve(classes, temperatures_within(classes, _CURVE_BYTES))
    with torch.no_grad():
        for start, values, whole in table.present():
            if not whole.any():
                continue
            values = values[whole]
            if classifier is not None:
                device = classifier.weight.device
                values = classifier(values.to(device, classifier.weight.dtype)).cpu()
            numbers = (whole.nonzero().flatten() + start) // table.num_views
            curve.update(values, labels[numbers])
    points = curve.points()
    accuracy = curve.statistics[1.0].accuracy()
    rows = int(curve.statistics[1.0].counts.sum())
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


def _labels(images: Any) -> Tensor:
    if hasattr(images, 'get_gt_labels'):
        return torch.as_tensor(np.asarray(images.get_gt_labels()))
    infos = map(images.get_data_info, range(len(images)))
    return torch.tensor([info['gt_label'] for info in infos])
