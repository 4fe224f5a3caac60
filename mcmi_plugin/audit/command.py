"""The command ``tools/audit_teacher.py``, from its flags to its page."""

import argparse
import os
import os.path as osp
import re
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from mmengine.config import Config
from mmpretrain.models.classifiers import BaseClassifier
from rich.console import Console
from torch import Tensor
from torch.utils.data import DataLoader

from mcmi_plugin.audit.figures import lambda_figures, per_class, split_figures
from mcmi_plugin.audit.memory import memory_sentences
from mcmi_plugin.audit.model import as_distillation, fill_teacher, users_keys
from mcmi_plugin.audit.opened import open_audit
from mcmi_plugin.audit.output import print_audit, write_audit
from mcmi_plugin.audit.passes import num_samples, pass_over
from mcmi_plugin.audit.reading import sentences
from mcmi_plugin.audit.run import audit_run, print_run, write_run
from mcmi_plugin.datasets.class_selection import class_names, named_classes
from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.people import people_figures, read_people
from mcmi_plugin.job_config import job_config
from mcmi_plugin.shown.progress import counting
from mcmi_plugin.weights.held import STUDENT, file_of
from mcmi_plugin.weights.loading import weights_hash

MADE = ('stage', 'form', 'lmda', 'eps')  # of the provenance in a checkpoint
_OF_A_RUN = re.compile(r'(epoch|iter)_\d+$|best_')
SPLIT_WORDS = dict(train='training set', val='held-out data', test='test set')


def audit_teacher(args: argparse.Namespace) -> None:
    """Audit a teacher, print what was found, and write its page.

    Args:
        args: ``config``, ``checkpoint`` (or a run's folder), ``work_dir``,
            ``cfg_options``.

    Raises:
        UserError: no classifier, no such checkpoint, no data, or a folder that cannot
            be written. Nothing has been written then.
    """
    cfg = job_config(args.config, args.cfg_options)
    is_run = osp.isdir(args.checkpoint)
    if '://' not in args.checkpoint and not osp.exists(args.checkpoint):
        raise UserError(f'{args.checkpoint}: no such checkpoint file; check the path')
    folder = args.work_dir or default_folder(args.config, args.checkpoint)
    check_can_be_written(folder)
    # A class may be called anything, also what rich takes for its own words.
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    if is_run:
        with users_keys(cfg):
            opened = open_audit(as_distillation(cfg), ['train', 'val'])
            found = audit_run(opened, args.checkpoint, console)
        write, show, pictures = write_run, print_run, 'run.png'
    else:
        found = audit(cfg, args.checkpoint, console)
        write, show = write_audit, print_audit
        pictures = 'temperature.png, reliability.png'
    found.update(config=args.config, command=shlex.join(['python', *sys.argv]))
    try:
        write(found, folder)
    finally:  # on a full disk the passes were not for nothing
        show(found, console)
    print(f'{folder}: audit.html, audit.json, {pictures}')


def audit(cfg: Config, checkpoint: str, console: Console) -> dict:
    """One pass over the training set and one over the held-out data.

    Args:
        cfg: from :func:`mcmi_plugin.job_config.job_config`, of a classifier or of a
            distillation.
        checkpoint: of the classifier, or of the distillation's teacher.

    Returns:
        Plain numbers and words, as ``audit.json`` holds them: ``train`` and ``val``
        (:func:`split_figures`), ``classes`` (:func:`per_class`), ``lambda``
        (:func:`lambda_figures`), ``reading`` (:func:`sentences`) and where they come
        from; with ``people_counts`` in the config also ``people``
        (:func:`~mcmi_plugin.evaluation.people.people_figures`), of the test set.

    Raises:
        UserError: as :func:`audit_teacher`.
    """
    with users_keys(cfg):
        found = _measured(as_distillation(cfg), checkpoint, console)
    found['reading'] = [*sentences(found), *found.pop('memory')]
    return found


def _measured(cfg: Config, checkpoint: str, console: Console) -> dict:
    named = _named_by_people(cfg)
    opened = open_audit(cfg, ['train', 'val'] + ['test'] * (named == 'test'))
    teacher, loaders = opened.teacher, opened.loaders
    made = fill_teacher(teacher, checkpoint)
    if named:
        dataset: Any = loaders[named].dataset
        classes = len(named_classes(dataset)) or None
        read_people(cfg.people_counts, len(dataset), classes)
    found = opened.described(checkpoint)
    found['weights'] = weights_hash(teacher.state_dict())
    found['made'] = {name: made[name] for name in MADE if name in made}
    found['memory'] = memory_sentences(cfg, teacher, _images(loaders['train'], teacher))
    total = sum(num_samples(loader) for loader in loaders.values())
    with counting(console, total) as advance:
        for split, loader in loaders.items():
            kept: list[tuple] | None = [] if split == named else None
            told = partial(advance, SPLIT_WORDS[split])
            sums = pass_over(loader, teacher, told, kept)
            if kept:
                logits, labels = map(torch.cat, zip(*kept, strict=True))
                found['people'] = people_figures(cfg.people_counts, logits, labels)
            if split != 'test':
                found[split] = split_figures(sums)
            if split == 'train':
                names = class_names(loader.dataset, sums.statistics.num_classes)
                found['classes'] = per_class(sums.statistics, names)
                found['lambda'] = lambda_figures(sums.statistics, names)
            del sums  # before the next pass makes its own
    return found


def _images(loader: DataLoader, teacher: BaseClassifier) -> Tensor:
    """Two of the training set, as the teacher sees them; random numbers stay."""
    samples = [loader.dataset[i] for i in range(min(2, num_samples(loader)))]
    batch = cast(Any, loader.collate_fn)(samples)
    return teacher.data_preprocessor(batch, False)['inputs']


def _named_by_people(cfg: Config) -> str | None:
    """The split that ``people_counts`` is about, ``'val'`` if that is the test set."""
    if not cfg.get('people_counts'):
        return None
    val, test = cfg.get('val_dataloader'), cfg.get('test_dataloader')
    return 'test' if val and test and val.dataset != test.dataset else 'val'


def default_folder(config: str, checkpoint: str) -> str:
    """``work_dirs/audit/CONFIG-CHECKPOINT``: two teachers of a config do not meet."""
    path = Path(file_of(checkpoint)).absolute()
    name = path.name if path.is_dir() else path.stem
    if not path.is_dir() and name == 'teacher':
        name = path.parent.name
    elif _OF_A_RUN.match(name):  # every run has one of this name
        name = f'{path.parent.name}-{name}'
    name += '-student' * checkpoint.startswith(STUDENT)
    return osp.join('work_dirs', 'audit', f'{Path(config).stem}-{name}')


def check_can_be_written(folder: str) -> None:
    """A folder is there or can be made; it is not made yet.

    Raises:
        UserError: it cannot be written.
    """
    there = osp.abspath(folder)
    while not osp.lexists(there):
        there = osp.dirname(there)
    if not osp.isdir(there) or not os.access(there, os.W_OK):
        raise UserError(
            f'--work-dir {folder}: {there} is no folder that can be written; name '
            'another one'
        )
