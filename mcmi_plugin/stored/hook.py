"""``TeacherStoreHook``: the key ``teacher_store`` at work."""

import copy
import os.path as osp
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.model import BaseDataPreprocessor, ImgDataPreprocessor
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmpretrain.models import ClsDataPreprocessor
from mmrazor.models.algorithms import SingleTeacherDistill

from mcmi_plugin.datasets.subset import pipeline_of
from mcmi_plugin.errors import UserError
from mcmi_plugin.fast.known import NotKept, of_known_package
from mcmi_plugin.fast.lean import LeanDistill
from mcmi_plugin.fast.resident import only_joins
from mcmi_plugin.isolation import random_numbers_kept
from mcmi_plugin.log import log_line
from mcmi_plugin.processes import on_main
from mcmi_plugin.stored import agreement, folder, identity
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.images import ViewsOfImages
from mcmi_plugin.stored.kept import find_kept
from mcmi_plugin.stored.options import StoreOptions
from mcmi_plugin.stored.others import logits_of
from mcmi_plugin.stored.views import Views, record_views, views_of
from mcmi_plugin.teacher.model import model_name
from mcmi_plugin.weights.filling import distiller_of

_PREPROCESSORS = (BaseDataPreprocessor, ImgDataPreprocessor, ClsDataPreprocessor)
_TRIED = 8  # images that a teacher is tried on


@HOOKS.register_module()
class TeacherStoreHook(Hook):
    """Let a frozen teacher answer every view of an image once, for all students.

    ``tools/train.py`` adds this hook where a config says ``teacher_store``. Where a
    teacher's outputs cannot be kept, the log says why in one line, and the teacher
    itself answers throughout.

    Args:
        options: see :class:`.options.StoreOptions`.
    """

    # After the hooks that put the teacher and labels into their places (up to HIGH,
    # 30), before all else.
    priority = 35
    reads_no_log = True  # see PostponedLog

    def __init__(self, **options) -> None:
        self.options = StoreOptions(**options)
        self.answers: Answers | None = None
        self.reason = ''  # why there are none

    def before_train(self, runner: Runner) -> None:
        try:
            self.answers = answers_for(runner, self.options)
        except NotKept as reason:
            self.reason = f'this distillation has {reason}'
            log_line(
                f'teacher_store is not used: {self.reason}; the teacher itself answers'
            )
            return
        self.answers.begin()

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        if self.answers is not None:
            self.answers.ahead(data_batch)

    def after_train_epoch(self, runner: Runner) -> None:
        if self.answers is not None:
            self.answers.flush()

    def after_train(self, runner: Runner) -> None:
        if self.answers is None:
            return
        self.answers.end()
        counts = torch.tensor([self.answers.asked, self.answers.found])
        all_reduce(counts)
        asked, found = counts.tolist()
        if asked and is_main_process():
            seen = agreement.look(self.answers, runner.train_dataloader.dataset)
            agreement.write(runner.work_dir, self.answers, asked, found, seen)
            log_line(
                f'teacher_store: {found} of {asked} answers ({100 * found / asked:.1f} '
                f'%) were there; {self.answers.table.path.parent}'
            )


def answers_for(runner: Runner, options: StoreOptions) -> Answers:
    """The store that answers for a distillation's teacher, opened or made.

    All processes call it together.

    Args:
        runner: before its first step, with the teacher in its model.
        options: of the store.

    Raises:
        NotKept: this teacher's outputs cannot be kept; nothing has changed.
        UserError: another store is in the way, or one of ``mean`` does not fit.
    """
    model: Any = distiller_of(runner)
    if model is None:
        raise NotKept('no teacher')
    if type(model).loss not in (SingleTeacherDistill.loss, LeanDistill.loss):
        raise NotKept(f'the algorithm {type(model).__name__}, with a step of its own')
    if model.teacher_trainable:
        raise NotKept('a teacher that is trained (model.teacher_trainable)')
    preprocessor = model.data_preprocessor
    if getattr(preprocessor, 'batch_augments', None) is not None:
        raise NotKept('mixed images (data_preprocessor.batch_augments)')
    # What another one does to an image decides about a row, and is not known.
    if type(preprocessor) not in _PREPROCESSORS:
        kind = type(preprocessor).__name__
        raise NotKept(f'a data_preprocessor of its own ({kind})')
    for hook in runner.hooks:
        changes = 'before_train_iter' in hook.get_triggered_stages()
        if changes and not of_known_package(hook):
            name = type(hook).__name__
            raise NotKept(f'a hook that may change a batch ({name}.before_train_iter)')
    dataset = runner.train_dataloader.dataset
    if not hasattr(pipeline_of(dataset), 'transforms'):
        raise NotKept(f'{type(dataset).__name__}, which has no pipeline')
    if not only_joins(collate := runner.train_dataloader.collate_fn):
        raise NotKept(f'batches of the collate_fn {collate}')
    model.train()
    views = views_of(dataset, options.views, options.seed)
    tried, images, samples = _some_images(runner, model, views)
    if not isinstance(wrapper := runner.optim_wrapper, OptimWrapper):
        raise NotKept('several optimizers')
    context = partial(wrapper.optim_context, runner.model)
    with context():
        kept = find_kept(model.teacher, model.distiller, images, samples)
    if options.mean and 'features' in kept.needs:
        raise UserError(
            'teacher_store.mean: the mean of several teachers is one of logits, and '
            'this method reads what the classifier reads; take a method on logits'
        )
    kind = kept.choose(exact=options.dtype == 'float32')
    classifier = kept.classifier if kind == 'features' else None
    beside = osp.join(osp.dirname(osp.abspath(runner.work_dir)), 'teacher_outputs')
    root = Path(osp.expanduser(options.dir or beside))

    def prepare() -> tuple[Path, dict, int]:
        of_it = identity.identity_of(runner, model, kept, kind, views, options)
        name = model_name(runner.cfg) if runner.cfg else 'teacher'
        place = folder.folder_of(root, name, of_it)
        _check_room(place, of_it)
        table = folder.open_table(place, of_it, classifier)
        alike, _ = table.compared(tried, kept.tried[kind])
        return place, of_it, alike

    place, of_it, alike = on_main(prepare)
    table, _ = folder.read_table(place, of_it)
    record_views(pipeline_of(dataset), views)
    classes = kept.widths['logits']
    places = [Path(osp.expanduser(other)) for other in options.mean]
    others = [logits_of(other, of_it, classes) for other in places]
    barrier()
    log_line(
        f'teacher_store: {kind} of {table.num_images} images x {table.num_views} views '
        f'as {options.dtype}, {size_in_words(table.nbytes)} in all; {alike} of '
        f'{len(tried)} rows that were looked up are there'
        + ', as the teacher gives them' * (alike > 0)
        + f'; {place}'
    )
    return Answers(model, kept, kind, table, others, context)


def _some_images(runner: Runner, model: Any, views: Views) -> tuple:
    """The numbers of some rows, and the images and samples as a step is given them."""
    loader = runner.train_dataloader
    every = ViewsOfImages(loader.dataset, views.number)
    every.pipeline = copy.deepcopy(every.pipeline)
    record_views(every.pipeline, views)
    images = torch.arange(min(_TRIED, len(every.images)))
    numbers = images * views.number + images % views.number
    with random_numbers_kept():
        packed = [every[number] for number in numbers.tolist()]
    data = model.data_preprocessor(loader.collate_fn(packed), True)
    if data['inputs'].ndim != 4:
        raise NotKept('vectors for images, of which a teacher is as quick as a table')
    return numbers, data['inputs'], data['data_samples']


def _check_room(place: Path, of_it: dict) -> None:
    needed = folder.size_of(of_it)
    there = place / folder.TABLE
    if there.is_file():  # what of it is on the disk already
        needed -= there.stat().st_blocks * 512
    above = next(p for p in (place, *place.absolute().parents) if p.exists())
    free = shutil.disk_usage(above).free
    if needed > free / 2:
        raise NotKept(
            f'a store of up to {size_in_words(needed)} more, which is over half of the '
            f'{size_in_words(free)} that are left in {above} (name another folder: '
            'teacher_store.dir=DIR)'
        )


def size_in_words(nbytes: float) -> str:
    """``1.62 GB``, ``740 kB``."""
    for unit, factor in (('GB', 1e9), ('MB', 1e6)):
        if nbytes >= factor:
            return f'{nbytes / factor:.3g} {unit}'
    return f'{nbytes / 1e3:.3g} kB'
