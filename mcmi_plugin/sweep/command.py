"""The command ``tools/sweep.py``, from its flags to its report."""

import argparse
import json
import os.path as osp
import sys

from mmengine.config import Config
from optuna import Study
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mcmi_plugin.errors import UserError
from mcmi_plugin.locations import typed
from mcmi_plugin.sweep import report
from mcmi_plugin.sweep.search import Sweep, ended, quiet, run_sweep
from mcmi_plugin.sweep.settings import (
    CONTROLS,
    MLL,
    check_start,
    grid,
    setting_config,
    settings,
    suggested_range,
)


def sweep(args: argparse.Namespace) -> None:
    """Run the sweep and write its table, picture and winner into the work dir.

    Raises:
        UserError: a flag out of its range, or what any setting's config raises.
    """
    for flag in ('trials', 'seeds'):
        if getattr(args, flag) < 1:
            raise UserError(f'--{flag} {getattr(args, flag)}: give 1 or more')
    if args.range and not 0 < args.range[0] < args.range[1]:
        raise UserError(f'--range {args.range}: give 0 < LOW < HIGH')

    def config_of(setting: dict, seed: int, folder: str):
        return setting_config(
            args.config,
            args.cfg_options,
            setting,
            seed,
            osp.join(args.work_dir, folder),
            osp.join(args.work_dir, 'teachers'),
        )

    cfg = config_of(CONTROLS[MLL], 0, 'range')
    check_start(cfg)
    controls = settings([], cfg)
    if args.trials <= len(controls):
        print(
            f'--trials {args.trials}: the controls come first ({", ".join(controls)}), '
            f'so no lambda is tried; give --trials {len(controls) + 2} or more'
        )
    low, high = (float(f'{end:.3g}') for end in args.range or _suggested(cfg))
    print(f'lambda from {low:.3g} to {high:.3g}')
    points = max(2, (args.trials - len(controls)) // 2)
    always = settings(grid(low, high, points), cfg)
    plan = Sweep(config_of, always, low, high, args.seeds, args.trials)
    console = Console(file=sys.stdout)  # runs print elsewhere meanwhile
    with Progress(
        TextColumn('{task.completed:.0f} of {task.total:.0f} teachers'),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        progress.add_task('', total=args.trials)
        study = run_sweep(
            plan,
            osp.join(args.work_dir, 'sweep.journal'),
            lambda study: _tell(study, progress),
        )
    rows = report.rows_of(study)
    markdown = report.print_table(rows)
    best = report.winner_of(rows)
    words = report.verdict(best)
    path = osp.join(args.work_dir, 'winner.py')
    setting = plan.settings.get(best['name']) or dict(lmda=best['lmda'])
    report.write_winner(args.config, setting, words, path)
    report.draw(rows, osp.join(args.work_dir, 'sweep.png'))
    with open(osp.join(args.work_dir, 'sweep.md'), 'w') as file:
        file.write(f'{markdown}\n{words}\n')
    with open(osp.join(args.work_dir, 'sweep.json'), 'w') as file:
        json.dump(rows, file, indent=1)
    print(
        f'{words}\n{args.work_dir}: sweep.md, sweep.png, sweep.json\n'
        f'{typed("train")} {path}'
    )


def _suggested(cfg: Config) -> tuple[float, float]:
    print("lambda's range: from the centroids of the teacher")
    with quiet(cfg.work_dir):
        return suggested_range(cfg)


def _tell(study: Study, progress: Progress) -> None:
    """Move the bar, and print a line for the trial that has come to its end."""
    (task,) = progress.tasks
    done = len(ended(study))
    line = f'{done} of {task.total:.0f}: '
    if done == task.completed + 1:
        line += report.in_words(report.last_row(study))
    else:
        line += 'there already'
    if done > task.completed:
        progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
    progress.update(task.id, completed=done)
