"""The command ``tools/sweep.py``, from its flags to its report."""

import argparse
import json
import os.path as osp
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.config import Config
from optuna import Study
from rich.console import Console

from mcmi_plugin.cells.arms import paired_seeds
from mcmi_plugin.cells.cell import Cell, quiet, slug
from mcmi_plugin.errors import UserError
from mcmi_plugin.locations import typed
from mcmi_plugin.overrides import as_words
from mcmi_plugin.provenance import fingerprint, versions
from mcmi_plugin.shown.progress import Advance, advancing
from mcmi_plugin.sweep import report
from mcmi_plugin.sweep.search import Sweep, ended, open_study, run_sweep
from mcmi_plugin.sweep.settings import (
    all_settings,
    check_start,
    grid,
    held_out_config,
    suggested_range,
)
from mcmi_plugin.whole_file import whole_file

_RANGE = 'range'  # the study's, of lambda


def sweep(args: argparse.Namespace) -> None:
    """Run the sweep and write its table, picture and winner into the work dir.

    Raises:
        UserError: a flag out of its range, what any setting's config raises, or
            another sweep that runs in the work dir.
    """
    for flag in ('trials', 'seeds'):
        if getattr(args, flag) < 1:
            raise UserError(f'--{flag} {getattr(args, flag)}: give 1 or more')
    if args.range and not 0 < args.range[0] < args.range[1]:
        raise UserError(f'--range {args.range}: give 0 < LOW < HIGH')

    # What was swept is the config with these; the winner is to be trained with them.
    given = as_words(args.cfg_options, '--cfg-options')
    folder = Path(args.work_dir)
    config, teachers = str(folder / 'held_out.py'), str(folder / 'teachers')
    cfg, text = held_out_config(args.config, args.cfg_options, str(folder), teachers)
    check_start(cfg)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        _sweep(args, given, cfg, text, config)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder: a second sweep would take this one's trial for a killed one."""
    held = FileLock(folder / '.lock')
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f'another sweep runs in {folder}; wait for it, or name another --work-dir'
        ) from None
    try:
        yield
    finally:
        held.release()


def _sweep(
    args: argparse.Namespace, given: list[str], cfg: Config, text: str, config: str
) -> None:
    folder = Path(args.work_dir)
    swept = fingerprint(dict(config=text, versions=versions()))
    study = open_study(str(folder / 'sweep.journal'), swept)
    low, high = _range(args.range, study, cfg, folder)
    with whole_file(config, 'w') as file:
        file.write(text)
    controls = all_settings([], cfg)
    if args.trials <= len(controls):
        print(
            f'--trials {args.trials}: the controls come first ({", ".join(controls)}), '
            f'so no lambda is tried; give --trials {len(controls) + 2} or more'
        )
    print(f'lambda from {low:.3g} to {high:.3g}')
    points = max(2, (args.trials - len(controls)) // 2)
    always = all_settings(grid(low, high, points), cfg)
    cells = partial(cell_of, config)
    plan = Sweep(cells, always, low, high, args.seeds, args.trials)
    console = Console(file=sys.stdout)  # runs print elsewhere meanwhile
    with advancing(console, args.trials) as progress:
        run_sweep(plan, study, lambda: _tell(study, args.seeds, progress))
    rows = report.rows_of(study)
    markdown = report.print_table(rows)
    best = report.winner_of(rows)
    words = report.verdict(best)
    path = osp.join(args.work_dir, 'winner.py')
    setting = plan.settings.get(best['name']) or {'mcmi.lmda': best['lmda']}
    line = [*typed('train').split(), path, *['--cfg-options'] * bool(given), *given]
    command = shlex.join(line)
    report.write_winner(args.config, setting, words, command, path)
    report.draw(rows, str(folder / 'sweep.png'))
    with whole_file(folder / 'sweep.md', 'w') as file:
        file.write(f'{markdown}\n{words}\n')
    with whole_file(folder / 'sweep.json', 'w') as file:
        json.dump(rows, file, indent=1, default=lambda found: [found.mean, found.se])
    print(f'{words}\n{args.work_dir}: sweep.md, sweep.png, sweep.json\n{command}')


def cell_of(config: str, name: str, setting: dict, seed: int) -> Cell:
    """The run of a setting's student with one seed."""
    options, text = {**paired_seeds(seed), **setting}, Path(config).read_text()
    recipe = dict(config=text, options=options, versions=versions())
    directory = Path(config).parent / slug(name) / f'seed{seed}'
    words = as_words(options, name)
    return Cell({}, name, seed, config, options, words, directory, fingerprint(recipe))


def _range(
    given: list[float] | None, study: Study, cfg: Config, folder: Path
) -> tuple[float, float]:
    """The ends of lambda, of a sweep that goes on those that it began with."""
    kept = study.user_attrs.get(_RANGE)
    ends = given or kept
    if not ends:
        print("lambda's range: from the centroids of the teacher")
        cfg.work_dir = str(folder / 'range')
        with quiet(cfg.work_dir):
            ends = suggested_range(cfg)
    low, high = (float(f'{end:.3g}') for end in ends)
    if kept and kept != [low, high]:
        raise UserError(
            f'--range {low:g} {high:g}: {folder} holds a sweep of lambda from '
            f'{kept[0]:g} to {kept[1]:g}; name another --work-dir, or leave --range out'
        )
    study.set_user_attr(_RANGE, [low, high])
    return low, high


def _tell(study: Study, seeds: int, progress: Advance) -> None:
    """Move the bar, and print a line for the trial that has come to its end."""
    done = len(ended(study, seeds))
    line = f'{done} of {progress.total}: '
    if done == progress.done + 1:
        line += report.row_in_words(report.last_row(study))
    else:
        line += 'there already'
    if done > progress.done:
        progress.say(line)
    progress.move(done)
