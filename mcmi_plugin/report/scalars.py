"""The scalars that a training has logged, over all of its parts."""

import json
from dataclasses import dataclass
from pathlib import Path

from mcmi_plugin.evaluation.accuracy import ACCURACY
from mcmi_plugin.trainings import files_in_order

TEACHER_ACCURACY = 'teacher.accuracy/top1'


@dataclass(frozen=True)
class Scalars:
    """mmengine's records of a run, in order."""

    # One for each log interval: ``step`` is the iteration, ``epoch`` counts from 1
    # (absent where a run counts iterations), losses as the model names them.
    train: list[dict]
    val: list[dict]  # one for each validation: ``step`` is the epoch, or the iteration

    @property
    def by_epoch(self) -> bool:
        return not self.train or 'epoch' in self.train[-1]

    def validated(self, names: tuple[str, ...] = ACCURACY) -> list[tuple[int, float]]:
        """(step, value) of the first of ``names`` that was ever recorded."""
        for name in names:
            if any(name in record for record in self.val):
                return [(r['step'], r[name]) for r in self.val if name in r]
        return []


def read_scalars(work_dir: Path) -> Scalars:
    """Join ``*/vis_data/scalars.json``: a resumed run has left several.

    What a later part has done again, or a new start has thrown away, counts once:
    from a part's first record on, nothing of the parts before it is kept. A line
    that was cut short when its process was killed is left out.

    Returns:
        Both lists are empty where nothing was logged.
    """
    train: list[dict] = []
    val: list[dict] = []
    for path in files_in_order(work_dir, 'scalars.json'):
        records = _records(path)
        new_train = [r for r in records if 'iter' in r]
        new_val = [r for r in records if 'iter' not in r]
        if new_train:
            train = _before(train, new_train[0]['step']) + new_train
            begun = new_train[0].get('epoch', new_train[0]['step'])
            val = _before(val, begun)
        if new_val:
            val = _before(val, new_val[0]['step']) + new_val
    return Scalars(train, val)


def _before(records: list[dict], step: int) -> list[dict]:
    return [record for record in records if record['step'] < step]


def _records(path: Path) -> list[dict]:
    records = []
    for line in path.read_text(errors='replace').splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get('step'), int):
            records.append(record)
    return records
