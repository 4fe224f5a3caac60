"""Convert another library's checkpoint for a config's classifier, or its teacher.

python tools/convert_checkpoint.py resnet34-b627a593.pth resnet34.pth \
    --config configs/mcmi/r34_r18_imagenet.py
"""

import argparse

from rich.console import Console
from rich.table import Table

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import add_overrides, load_config, run
from mcmi_plugin.convert.convert import NAMINGS, convert
from mcmi_plugin.convert.output import check_output, write
from mcmi_plugin.convert.target import build_target
from mcmi_plugin.errors import UserError

EPILOG = """
Weights are converted, not the pictures that they expect: torchvision and timm
normalise pixels from 0 to 1 (mean 0.485, 0.456, 0.406), mmpretrain the same
pixels from 0 to 255 (mean 123.675, 116.28, 103.53); RepDistiller's CIFAR-100
statistics times 255 belong in data_preprocessor likewise.
"""


def main(args):
    model, key = build_target(load_config(args))
    check_output(args.source, args.out)
    conversion = convert(args.source, model, args.naming)
    for name, why in conversion.placement.unplaced.items():
        print(f'not placed: {name} {why}')  # whole lines, however long
    print_table(conversion, args.source)
    fault = conversion.fault()
    if fault:
        raise UserError(
            f'{args.source}: {fault}; name the config of its network, or override '
            f'{args.config}: --cfg-options {key}.head.num_classes=N'
        )
    write(conversion, args.out)
    print(f'written: {args.out}')


def print_table(conversion, title):
    placement = conversion.placement
    table = Table(title=title, show_header=False)
    table.add_row('names', conversion.meta['source']['naming'])
    table.add_row('keys placed', str(placement.num_placed))
    table.add_row('keys not placed', str(len(placement.unplaced)))
    table.add_row('keys of the model without a value', str(len(placement.missing)))
    table.add_row('classes of the model', str(conversion.num_classes))
    if conversion.difference is None:
        table.add_row('logits', f'not checked: {conversion.not_compared}')
    else:
        table.add_row('logits checked against', conversion.compared_with)
        difference = f'{conversion.difference:.1e} of the largest logit'
        table.add_row('largest difference', difference)
    Console().print(table)


if __name__ == '__main__':
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=EPILOG)
    parse.add_argument('source', metavar='SOURCE.pth', help='the checkpoint')
    parse.add_argument('out', metavar='OUT.pth', help='file to write')
    parse.add_argument(
        '--config',
        required=True,
        help='config of the classifier, or of the distillation whose teacher it is',
    )
    parse.add_argument(
        '--from',
        dest='naming',
        choices=['auto', *NAMINGS],
        default='auto',
        help='who named the weights (auto: by the names and the model)',
    )
    add_overrides(parse, 'override keys of the config, e.g. model.head.num_classes=10')
    parse.add_argument('--debug', action='store_true', help='show tracebacks')
    # What the other commands have and load_config reads.
    parse.set_defaults(work_dir=None, amp=False, launcher='none', local_rank=0)
    run(main, parse)
