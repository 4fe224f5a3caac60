"""List the layers of a config's teacher and student that recorders may name.

python tools/list_layers.py configs/mcmi/quickstart_digits.py
"""

import argparse

from rich.console import Console

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import run
from mcmi_plugin.distill.layer_table import KINDS, layer_table
from mcmi_plugin.job_config import job_config
from mcmi_plugin.overrides import add_overrides


def shape(text: str) -> tuple[int, ...]:
    """``3,224,224`` -> (3, 224, 224)."""
    sizes = tuple(int(size) for size in text.split(','))
    if min(sizes) < 1:
        raise ValueError(text)
    return sizes


def main(args):
    table, notes = layer_table(
        job_config(args.config, args.cfg_options), args.kind, args.depth, args.shape
    )
    console = Console()
    if not console.is_terminal:  # whole lines in a file
        console.width = 1000
    console.print(table)
    for note in notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)


if __name__ == '__main__':
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument('config', help='config file')
    parse.add_argument(
        '--depth', type=int, default=2, help='how many parts a name may have (2)'
    )
    parse.add_argument(
        '--kind',
        default=KINDS[0],
        metavar='KIND',
        help=f'of the recorder: {", ".join(KINDS)} ({KINDS[0]})',
    )
    parse.add_argument(
        '--shape',
        type=shape,
        metavar='C,H,W',
        help="of one picture (by default as the config's pipeline gives it)",
    )
    add_overrides(parse, 'override keys of the config')
    run(main, parse)
