"""Train by a config; with ``mcmi`` in it, a distillation from an MCMI teacher.

python tools/train.py configs/mcmi/quickstart_digits.py
"""

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import load_config, parser, run, train_and_report
from mcmi_plugin.errors import UserError


def main(args):
    cfg = load_config(args)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr'):
            raise UserError(
                '--auto-scale-lr: auto_scale_lr.base_batch_size is not set; add '
                '--cfg-options auto_scale_lr.base_batch_size=N, the batch size that '
                'optim_wrapper.optimizer.lr is meant for'
            )
        cfg.auto_scale_lr.enable = True
    if args.resume is None and cfg.get('resume'):  # the config says it, as in mmengine
        args.resume = cfg.get('load_from') or 'auto'
    train_and_report(cfg, True if args.resume == 'auto' else args.resume or False)


if __name__ == '__main__':
    parse = parser('Train by a config')
    parse.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CKPT',
        help='continue from CKPT, or from wherever the job stopped',
    )
    parse.add_argument('--no-validate', action='store_true')
    parse.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the rate by the batch size (auto_scale_lr.base_batch_size)',
    )
    run(main, parse)
