"""Convert another library's checkpoint for a config's classifier, or its teacher.

python tools/convert_checkpoint.py resnet34-b627a593.pth resnet34.pth \
    --config configs/mcmi/r34_r18_imagenet.py
"""

import argparse

from rich.console import Console
from rich.table import Table

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import run
from mcmi_plugin.convert.convert import NAMINGS, convert, num_classes_in
from mcmi_plugin.convert.output import check_output, write_conversion
from mcmi_plugin.convert.target import build_target
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import job_config
from mcmi_plugin.overrides import add_overrides
from mcmi_plugin.weights.held import file_of

EPILOG = """
Weights are converted, not the pictures that they expect: the mean and std that a
library normalises pixels from 0 to 1 by belong in data_preprocessor, times 255.
torchvision's are 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225; timm's differ from
network to network and are printed; docs/checkpoints.md has those of others.
"""


def main(args):
    model, key = build_target(job_config(args.config, args.cfg_options))
    check_output(file_of(args.source), args.out)
    conversion = convert(
        args.source,
        model,
        args.naming,
        take=args.take,
        renames=args.rename,
        classes=args.classes,
    )
    for name, why in conversion.placement.unplaced.items():
        print(f'not placed: {name} {why}')  # whole lines, however long
    print_table(conversion, args.source)
    fault = conversion.fault()
    if fault:
        remedy = (
            'name the config of its network; --rename, or --from order, if only the '
            'names differ'
        )
        if conversion.placement.num_classes:
            have, want = conversion.placement.num_classes
            remedy = f'--cfg-options {key}.{num_classes_in(model)[0]}={have} keeps all'
            if have > want:
                remedy = f'--classes takes {want}: numbers, names or a folder; {remedy}'
        raise UserError(f'{args.source}: {fault}; {remedy}')
    write_conversion(conversion, args.out)
    print(f'written: {args.out}')
    if conversion.data_preprocessor:
        print('what timm publishes of this network expects of pictures from files')
        print(f'data_preprocessor = {conversion.data_preprocessor}')


def print_table(conversion, title):
    placement = conversion.placement
    table = Table(title=title, show_header=False)
    table.add_row('taken', conversion.taken)
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
    parse.add_argument(
        'source',
        metavar='SOURCE.pth',
        help='the checkpoint; student://FILE of a distillation',
    )
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
        help='who named the weights (auto: by the names and the model); order: another '
        'program, whose layers are listed in the same order',
    )
    parse.add_argument(
        '--take',
        metavar='ENTRY',
        help='entry of the file that holds the weights, e.g. state_dict_ema',
    )
    parse.add_argument(
        '--rename',
        metavar='OLD=NEW',
        action='append',
        default=[],
        help='another beginning for names of the file; may be given several times',
    )
    parse.add_argument(
        '--classes',
        metavar='CLASSES',
        help='take the rows of these classes alone, in this order: numbers or names '
        'with commas between them, or a folder with one folder a class',
    )
    add_overrides(parse, 'override keys of the config, e.g. model.head.num_classes=10')
    run(main, parse)
