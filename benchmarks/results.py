"""What a benchmark leaves: a line each, a table, and a JSON file."""

import json
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from rich.table import Table

from benchmarks.harness import Figure, Result
from benchmarks.reach import REACH

PACKAGES = ('torch', 'torchvision', 'numpy', 'mmengine', 'mmpretrain', 'mmrazor')
COLUMNS = ('suite', 'ratio', 'min-max', 'n', 'reach', '', 'ours', 'baseline')


def row(measured: Result | Figure) -> dict:
    """One line of the results, in JSON's types; times in seconds per unit.

    Keys: ``suite``; of a contest ``ratio``, ``min``, ``max``, ``rounds``, ``ours``,
    ``baseline``, ``ours_s``, ``baseline_s`` (medians), ``unit``; of a figure
    ``value``, ``unit``, ``ours``; and for both ``reach`` and ``met``, which are None
    where nothing is to be reached.
    """
    if isinstance(measured, Figure):
        name, value = measured.name, measured.value
        found = dict(value=value, unit=measured.unit, ours=measured.what)
    else:
        contest, ratios = measured.contest, measured.ratios
        name, value = contest.name, measured.ratio
        found = dict(
            ratio=value,
            min=min(ratios),
            max=max(ratios),
            rounds=len(ratios),
            ours=contest.ours_is,
            baseline=contest.baseline_is,
            ours_s=_median(measured.ours),
            baseline_s=_median(measured.baseline),
            unit=contest.unit,
        )
    reach = REACH.get(name)
    met = None if reach is None else value <= reach
    return dict(suite=name, **found, reach=reach, met=met)


def in_words(row: dict) -> str:
    """The line of a suite, and the times aside."""
    if 'ratio' not in row:
        line = f'{row["suite"]}: {row["value"]:.4g} {row["unit"]}{_verdict(row)}'
        return f'{line}\n    {row["ours"]}'
    return (
        f'{row["suite"]}: ours / baseline = {row["ratio"]:.3f} (median of '
        f'{row["rounds"]}, {row["min"]:.3f}-{row["max"]:.3f}){_verdict(row)}\n'
        f'    {pace(row["ours_s"], row["unit"])}: {row["ours"]}\n'
        f'    {pace(row["baseline_s"], row["unit"])}: {row["baseline"]}'
    )


def _verdict(row: dict) -> str:
    if row['reach'] is None:
        return ''
    return f', reach <= {row["reach"]:.3g}: {"met" if row["met"] else "NOT MET"}'


def pace(seconds_per_unit: float, unit: str) -> str:
    """A time per unit; of images, how many a second."""
    if unit == 'image':
        return f'{1 / seconds_per_unit:.0f} images/s'
    return f'{seconds(seconds_per_unit)} per {unit}'


def seconds(value: float) -> str:
    """A time with a unit that suits it."""
    for factor, unit in ((1, 's'), (1e3, 'ms')):
        if value * factor >= 1:
            return f'{value * factor:.3g} {unit}'
    return f'{value * 1e6:.3g} us'


def machine(threads: int) -> dict:
    """Where the times were taken: CPU, cores, threads, GPU, memory in GB."""
    info = dict(
        cpu=_cpu(),
        cores=os.cpu_count(),
        threads=threads,
        memory_gb=round(_memory_gb(), 1),
        system=platform.platform(),
    )
    if torch.cuda.is_available():
        info['gpu'] = torch.cuda.get_device_name()
    return info


def as_json(rows: list[dict], threads: int) -> dict:
    """The whole of a results file."""
    command = ['python', '-m', 'benchmarks', *sys.argv[1:]]
    return dict(
        machine=machine(threads),
        versions={'python': platform.python_version(), **_versions()},
        command=shlex.join(command),
        date=datetime.now(UTC).isoformat(timespec='seconds'),
        results=rows,
    )


def write_json(results: dict, path: str) -> None:
    """Write :func:`as_json`'s, in a folder that is made if it is not there."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(results, indent=1) + '\n')


def table(rows: list[dict]) -> Table:
    """For the terminal; what was compared stands in the lines before."""
    table = Table(*COLUMNS, caption='ratios of times, ours / baseline: less is better')
    for column in table.columns[:3]:
        column.no_wrap = True
    for line in rows:
        table.add_row(*_cells(line)[:-2], *_paces(line))
    return table


def markdown(results: dict) -> str:
    """For the results page: the table, below machine, versions and command."""
    where = results['machine']
    versions = ', '.join(f'{k} {v}' for k, v in results['versions'].items())
    gpu = f', {where["gpu"]}' if 'gpu' in where else ''
    lines = [
        f'`{results["command"]}`, {results["date"][:10]}, on {where["cpu"]}, '
        f'{where["cores"]} cores, {where["threads"]} thread(s), '
        f'{where["memory_gb"]} GB{gpu}; {versions}.',
        '',
        '| ' + ' | '.join(COLUMNS) + ' |',
        '|' + '---|' * len(COLUMNS),
        *('| ' + ' | '.join(_cells(line)) + ' |' for line in results['results']),
    ]
    return '\n'.join(lines)


def _paces(row: dict) -> list[str]:
    if 'ratio' not in row:
        return ['', '']
    return [pace(row[f'{side}_s'], row['unit']) for side in ('ours', 'baseline')]


def _cells(row: dict) -> list[str]:
    reach = '' if row['reach'] is None else f'{row["reach"]:.3g}'
    met = {True: 'met', False: 'not met', None: ''}[row['met']]
    if 'ratio' not in row:
        value = f'{row["value"]:.4g} {row["unit"]}'
        return [row['suite'], value, '', '', reach, met, row['ours'], '']
    ours, baseline = _paces(row)
    return [
        row['suite'],
        f'{row["ratio"]:.3f}',
        f'{row["min"]:.3f}-{row["max"]:.3f}',
        str(row['rounds']),
        reach,
        met,
        f'{row["ours"]}: {ours}',
        f'{row["baseline"]}: {baseline}',
    ]


def _median(values: list[float]) -> float:
    return float(torch.tensor(values, dtype=torch.float64).quantile(0.5))


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # mmrazor may be a checkout
            continue
    return found


def _cpu() -> str:
    info = Path('/proc/cpuinfo')
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
