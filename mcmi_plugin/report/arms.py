"""Runs that differ by their seeds alone, put together; and what else differs."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from mmengine.config import Config

from mcmi_plugin.report.run_sections import accuracy_of
from mcmi_plugin.report.work_dir import Run

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
# They only repeat what stands elsewhere in the config.
_REPEATED = ('custom_hooks', 'distiller', 'method', 'pair')


@dataclass(frozen=True)
class Arm:
    """Runs of one config; only their seeds differ.

    Attributes:
        name: short, for legends and columns: that of its run where every arm has
            one, or else a number.
        runs: in the order that they were given.
    """

    name: str
    runs: Sequence[Run]

    @property
    def counted(self) -> list[Run]:
        """The runs that a mean may be taken of: finished, and each seed once."""
        by_seed = {run.seed: run for run in reversed(self.runs) if run.is_finished}
        return sorted(by_seed.values(), key=lambda run: str(run.seed))

    @property
    def accuracies(self) -> list[float]:
        """Of the counted runs' students, in per cent."""
        found = map(accuracy_of, self.counted)
        return [accuracy for accuracy in found if accuracy is not None]

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
        key = json.dumps(settings_of(run.config), sort_keys=True)
        groups.setdefault(key, []).append(run)
    alone = len(groups) == len(runs)
    return [
        Arm(members[0].name if alone else f'arm {number}', members)
        for number, members in enumerate(groups.values(), start=1)
    ]


def settings_of(config: Config) -> dict[str, str]:
    """{dotted key: value} of what makes a run what it is, its seeds left out."""
    flat: dict[str, str] = {}

    def add(prefix: str, value: object) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                add(f'{prefix}.{key}' if prefix else str(key), inner)
        else:
            flat[prefix] = str(value)

    plain = {k: v for k, v in config.to_dict().items() if k not in _REPEATED}
    # The hook of `mcmi` repeats it, with its seed and its folder.
    hooks = config.to_dict().get('custom_hooks') or []
    plain['hooks'] = [h for h in hooks if h.get('type') != 'MCMITeacherHook']
    add('', plain)
    return {key: value for key, value in flat.items() if key not in _NO_PART}


def differences(arms: Sequence[Arm]) -> list[tuple[str, ...]]:
    """(key, its value in each arm) of every setting that is not the same in all."""
    values = [settings_of(arm.runs[0].config) for arm in arms]
    keys = dict.fromkeys(key for value in values for key in value)
    rows = [(key, *(value.get(key, 'not set') for value in values)) for key in keys]
    return [row for row in rows if len(set(row[1:])) > 1]


def mean_and_sd(values: Sequence[float], digits: int) -> str:
    """``98.37 ± 0.21``: the mean, and from two values on their deviation (n - 1)."""
    if not values:
        return ''
    shown = f'{statistics.fmean(values):.{digits}f}'
    if len(values) > 1:
        shown += f' \u00b1 {statistics.stdev(values):.{digits}f}'
    return shown
