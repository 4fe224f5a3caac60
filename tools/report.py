"""Write one self-contained HTML page about a run, or about several.

python tools/report.py work_dirs/quickstart_digits
"""

import argparse

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import run
from mcmi_plugin.report.command import print_runs, report_runs
from mcmi_plugin.report.run_origin import as_typed


def main(args):
    page, runs = report_runs(args.work_dirs, args.out)
    print_runs(runs)
    print(f'report: {as_typed(page)}')


if __name__ == '__main__':
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument('work_dirs', nargs='+', metavar='WORK_DIR')
    parse.add_argument(
        '--out',
        metavar='FILE',
        help='the page (report.html in WORK_DIR, or in the folder around several)',
    )
    run(main, parse)
