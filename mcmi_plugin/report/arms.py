"""Runs that differ by their seeds alone, put together; and what else differs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from mcmi_plugin.report.method import losses_of, method_of, own_loss_of, value_in_words
from mcmi_plugin.report.work_dir import Run
from mcmi_plugin.shown.paired import spread

# Where a run lies, how it was started, and what its student does not see.
_NO_PART = (
    'work_dir',
    'resume',
    'load_from',
    'launcher',
    'randomness.seed',
    'mcmi.seed',
    'mcmi.teacher_dir',
    'mcmi.control',
)
_NOT_SET = 'not set'
# They only repeat what stands elsewhere in the config.
_REPEATED = ('custom_hooks', 'distiller', 'method', 'pair')


@dataclass(frozen=True)
class Arm:
    """Runs of one config, as they were given; only their seeds differ.

    Its name is that of its run where every arm has one, or else a number.
    """

    name: str
    runs: Sequence[Run]

    @property
    def counted(self) -> list[Run]:
        """The runs that a mean may be taken of: finished, and each seed once.

        Without a seed each run has drawn its own, and only a copy has its figures.
        """
        by_seed = {
            str(run.scalars.val) if run.seed is None else run.seed: run
            for run in reversed(self.runs)
            if run.is_finished
        }
        return sorted(by_seed.values(), key=lambda run: str(run.seed))

    @property
    def accuracies(self) -> list[float]:
        """Of the counted runs' students, in per cent."""
        return [run.accuracy for run in self.counted if run.accuracy is not None]

    @property
    def cmis(self) -> list[float]:
        """Of the counted runs' teachers, in nats; one that several share, once."""
        teachers = [run.teacher['mcmi'] for run in self.counted if run.teacher]
        by_recipe = {mcmi.get('fingerprint'): mcmi for mcmi in teachers}
        return [mcmi['after']['train']['cmi'] for mcmi in by_recipe.values()]


def arms_of(runs: Sequence[Run]) -> list[Arm]:
    """Group runs by their configs, in the order of the runs."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        key = json.dumps(without_seeds(run.config), sort_keys=True, default=str)
        groups.setdefault(key, []).append(run)
    alone = len(groups) == len(runs)
    return [
        Arm(members[0].name if alone else f'arm {number}', members)
        for number, members in enumerate(groups.values(), start=1)
    ]


def without_seeds(config: Config) -> dict:
    """What makes a run what it is, its seeds left out."""
    found = config.to_dict()
    # The hook of `mcmi` repeats it, with its seed and its folder.
    hooks = found.get('custom_hooks') or []
    found['hooks'] = [h for h in hooks if h.get('type') != 'MCMITeacherHook']
    for key in (*_NO_PART, *_REPEATED):
        *path, last = key.split('.')
        part: Any = found
        for name in path:
            part = part.get(name) if isinstance(part, dict) else None
        if isinstance(part, dict):
            part.pop(last, None)
    return found


def differences(arms: Sequence[Arm]) -> list[tuple[str, ...]]:
    """(key, its value in each arm) of what is not the same in all.

    A part of another class, or that some arms have not, is one line, and so is the
    whole method, whose recorders and connectors follow from it.
    """
    configs = [arm.runs[0].config for arm in arms]
    trees = [without_seeds(config) for config in configs]
    rows = []
    methods = [f'{method_of(config)}: {losses_of(config)}' for config in configs]
    if len(set(map(method_of, configs))) > 1:
        rows.append(('method', *methods))
        for tree in trees:
            tree['model'].pop('distiller', None)
            own_loss_of(tree['model']).pop('loss_weight', None)
    return rows + _differ('', trees)


def _differ(key: str, values: Sequence[Any]) -> list[tuple[str, ...]]:
    if all(value == values[0] for value in values):
        return []
    dicts = all(isinstance(value, dict) for value in values)
    if dicts and len({str(value.get('type')) for value in values}) == 1:
        names = dict.fromkeys(name for value in values for name in value)
        return [
            row
            for name in names
            for row in _differ(
                f'{key}.{name}' if key else name,
                [value.get(name, _NOT_SET) for value in values],
            )
        ]
    if all(isinstance(value, list) for value in values):
        if len(set(map(len, values))) == 1:
            parts = enumerate(zip(*values, strict=True))
            return [row for i, part in parts for row in _differ(f'{key}.{i}', part)]
        # Entries that all have say nothing.
        values = [
            [one for one in value if not all(one in other for other in values)]
            for value in values
        ]
    return [(key, *map(value_in_words, values))]


def mean_and_sd(values: Sequence[float], digits: int) -> str:
    """``98.37 ± 0.21``: the mean, and from two values on their deviation (n - 1)."""
    found = spread(values)
    return found.shown(digits).replace('+-', '\u00b1') if found else ''
