"""Run an experiment of the paper: every arm x every seed, with its report.

python tools/study.py configs/study/table5_synthetic.py --scale small
"""

import argparse
import sys

from rich.console import Console

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import run
from mcmi_plugin.errors import UserError
from mcmi_plugin.overrides import add_overrides
from mcmi_study.content import SCALES
from mcmi_study.plan import read_study
from mcmi_study.report import write_report
from mcmi_study.run import run_cells


def main(args):
    console = Console(file=sys.stdout)  # of now: a cell's own output goes elsewhere
    if not console.is_terminal:
        console.width = 160  # nobody folds the lines of a file
    study = read_study(
        args.config,
        args.scale,
        args.work_dir,
        args.arms,
        dict(_axis(text) for text in args.grid),
        args.seeds,
        args.cfg_options,
    )
    results, failures = run_cells(study, console)
    if results:
        write_report(study, results, failures, console)
    if failures:
        raise UserError(
            f'{len(failures)} of {len(study.cells)} cells failed; the first one, '
            f'{failures[0]}'
        )


def _axis(text: str) -> tuple[str, str]:
    axis, equals, names = text.partition('=')
    if not equals or not names:
        raise UserError(f'--grid {text}: write AXIS=NAME,NAME')
    return axis, names


if __name__ == '__main__':
    parse = argparse.ArgumentParser(description='Run an experiment of the paper')
    parse.add_argument('config', help='study config, in configs/study')
    parse.add_argument(
        '--scale',
        default='small',
        metavar='|'.join(SCALES),
        help='smoke: under a minute; small: embedded data, minutes; medium: '
        'CIFAR-10, hours; paper: its sizes',
    )
    parse.add_argument(
        '--work-dir', help='of cells and report (work_dirs/study/NAME/SCALE)'
    )
    parse.add_argument(
        '--arms', nargs='+', metavar='NAME', help='only these, and the controls'
    )
    parse.add_argument(
        '--grid', nargs='+', default=[], metavar='AXIS=NAME,NAME', help='only these'
    )
    parse.add_argument('--seeds', type=int, metavar='N', help='seeds 0 to N - 1')
    add_overrides(parse, 'override keys of the config of every cell')
    run(main, parse)
