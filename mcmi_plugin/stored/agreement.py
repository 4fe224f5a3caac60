"""How far a student is from its teacher, on views that both have seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mcmi_plugin.isolation import random_numbers_kept
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.images import batches_of
from mcmi_plugin.whole_file import whole_file

RECORD = 'teacher_store.json'
_DRAWN, _LOOKED_AT = 2**15, 256  # rows of a store


def compare(student: Tensor, teacher: Tensor) -> dict[str, float]:
    """Of logits [N, C] each: ``agreement`` in per cent, and ``kl`` in nats.

    ``kl`` is the mean of KL(teacher || student) at temperature 1.
    """
    same = (student.argmax(1) == teacher.argmax(1)).double().mean()
    log_t, log_s = teacher.double().log_softmax(1), student.double().log_softmax(1)
    kl = (log_t.exp() * (log_t - log_s)).sum(1).mean()
    return dict(agreement=100 * same.item(), kl=kl.item())


@torch.no_grad()
def look(answers: Answers, dataset: Any) -> dict[str, float]:
    """:func:`compare` on some of the rows that are there; {} of none.

    Args:
        answers: of a teacher, whose student is at the end of its training.
        dataset: that it was trained on, whose samples tell their views.
    """
    table, model = answers.table, answers.model
    number = min(table.num_rows, _DRAWN)
    drawn = np.random.default_rng(0).choice(table.num_rows, number, replace=False)
    numbers = torch.from_numpy(drawn)
    rows, there = table.rows(numbers // table.num_views, numbers % table.num_views)
    numbers, rows = numbers[there][:_LOOKED_AT], rows[there][:_LOOKED_AT]
    if not len(numbers):
        return {}
    device = next(model.parameters()).device
    teacher = answers.kept.both(answers.kind, rows.to(device))['logits']
    training = model.training
    model.eval()
    try:
        with random_numbers_kept():
            student = torch.cat(
                [
                    model.architecture(inputs, None, mode='tensor')
                    for inputs, _ in batches_of(answers, dataset, numbers, 0)
                ]
            )
    finally:
        model.train(training)
    if student.shape != teacher.shape:  # of other classes
        return {}
    return dict(rows=len(numbers), **compare(student.cpu(), teacher.float().cpu()))


def write(work_dir: str, answers: Answers, asked: int, found: int, seen: dict) -> None:
    """Keep what a training had of its store, for the report.

    Args:
        work_dir: of the training.
        asked, found: answers that it wanted, and those that were there.
        seen: what :func:`look` has seen.
    """
    record: dict[str, Any] = dict(
        folder=str(answers.table.path.parent), asked=asked, found=found, **seen
    )
    with whole_file(Path(work_dir, RECORD), 'w') as file:
        json.dump(record, file, indent=1)
