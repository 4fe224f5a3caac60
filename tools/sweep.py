"""Choose the teacher for a config: MCMI at which lambda, or one of the controls?

python tools/sweep.py configs/mcmi/quickstart_digits.py --trials 12 --seeds 3
"""

import argparse
import os
import os.path as osp

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import run
from mcmi_plugin.errors import UserError
from mcmi_plugin.overrides import add_overrides


def main(args):
    try:
        from mcmi_plugin.sweep import command
    except ModuleNotFoundError as error:
        raise UserError(
            f"a sweep needs {error.name}: pip install 'mcmi_plugin[sweep]'"
        ) from error
    name = osp.splitext(osp.basename(args.config))[0]
    args.work_dir = args.work_dir or osp.join('work_dirs', f'{name}_sweep')
    os.makedirs(args.work_dir, exist_ok=True)
    command.sweep(args)


if __name__ == '__main__':
    parse = argparse.ArgumentParser(description='Choose the teacher for a config')
    parse.add_argument('config', help='config file')
    parse.add_argument('--work-dir', help='folder to write (work_dirs/CONFIG_sweep)')
    add_overrides(parse, 'override keys of the config, e.g. mcmi.epochs=5')
    parse.add_argument(
        '--trials', type=int, default=12, help='settings to run in all (12)'
    )
    parse.add_argument(
        '--seeds', type=int, default=3, help='students per setting, paired (3)'
    )
    parse.add_argument(
        '--range',
        nargs=2,
        type=float,
        metavar=('LOW', 'HIGH'),
        help="of lambda; by default what the teacher's own centroids suggest",
    )
    run(main, parse)
