"""Write the student alone, out of the work dir of a distillation.

python tools/export.py work_dirs/quickstart_digits --format onnx
"""

import argparse

from rich.console import Console
from rich.table import Table

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import run
from mcmi_plugin.export.command import FORMATS, Exported, export
from mcmi_plugin.overrides import add_overrides


def main(args):
    console = Console()
    with console.status('loading, writing and comparing'):
        exported = export(
            args.work_dir, args.format, args.checkpoint, args.out, args.cfg_options
        )
    print_table(console, exported, args.format)


def print_table(console: Console, exported: Exported, form: str) -> None:
    comparison = exported.comparison
    table = Table(title=form, show_header=False)
    table.add_row('student of', exported.checkpoint.name)
    for path in exported.files:
        table.add_row(path.name, f'{path.stat().st_size:,} bytes')
    table.add_row('parameters', f'{exported.num_parameters:,}')
    table.add_row('samples compared', f'{comparison.num_samples}, validation set')
    table.add_row(
        'largest difference of a logit',
        f'{comparison.absolute:.1e} ({comparison.relative:.1e} of the largest)',
    )
    table.add_row('same class', f'{comparison.same_class} of {comparison.num_samples}')
    console.print(table)
    for line in ([exported.note] if exported.note else []) + [
        f'in {exported.files[0].parent}; to load it:',
        *(f'    {line}' for line in exported.load),
    ]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == '__main__':
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument('work_dir', metavar='WORK_DIR', help='folder of the run')
    parse.add_argument(
        '--format', required=True, metavar='FORMAT', help=', '.join(FORMATS)
    )
    parse.add_argument(
        '--checkpoint',
        default='last',
        metavar='last|best|FILE',
        help='which of the run (last)',
    )
    parse.add_argument(
        '--out', metavar='DIR', help='folder for the files (WORK_DIR/export)'
    )
    add_overrides(
        parse,
        'override keys of the saved config, e.g. val_dataloader.dataset.data_root=DIR',
    )
    run(main, parse)
