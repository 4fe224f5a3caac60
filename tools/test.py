"""Evaluate a checkpoint of a config's model, or of its student alone.

python tools/test.py configs/mcmi/quickstart_digits.py \
    work_dirs/quickstart_digits/epoch_20.pth
"""

import json
import os

from mmengine.dist import is_main_process

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.checks.data import check_data
from mcmi_plugin.checks.work_dir import check_work_dir
from mcmi_plugin.commands import build_checked, load_config, parser, run
from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.tables import plain_metrics, print_metrics
from mcmi_plugin.weights.loading import load_weights, read_weights


def main(args):
    cfg = load_config(args)
    if '://' not in args.checkpoint and not os.path.isfile(args.checkpoint):
        raise UserError(f'{args.checkpoint}: no such checkpoint file; check the path')
    if args.out and not os.path.isdir(os.path.dirname(args.out) or '.'):
        raise UserError(f'--out {args.out}: there is no such folder; make it first')
    if not cfg.get('test_dataloader'):
        raise UserError(f'{args.config}: test_dataloader is not set')
    if args.amp:
        cfg.test_cfg.fp16 = True  # which mmpretrain's command sets too
    # The checkpoint holds the teacher too, so none is fetched or made.
    cfg.custom_hooks = []
    if 'teacher_ckpt' in cfg.model:
        cfg.model.teacher_ckpt = None
    cfg.load_from, cfg.resume = None, False
    for loader in ('train_dataloader', 'val_dataloader'):  # only the test set is read
        cfg[loader] = None
    cfg.train_cfg = cfg.optim_wrapper = cfg.param_scheduler = None
    cfg.val_cfg = cfg.val_evaluator = None
    weights, _ = read_weights(args.checkpoint, 'checkpoint')
    check_data(cfg)
    check_work_dir(cfg.work_dir)

    runner = build_checked(cfg)
    from mmpretrain.utils import get_ori_model  # after mcmi_plugin, which checks it

    model = get_ori_model(runner.model)
    if hasattr(model, 'student') and not any(k.startswith('teacher.') for k in weights):
        model = model.student
    load_weights(model, weights, args.checkpoint, 'checkpoint')
    metrics = runner.test()
    if is_main_process():
        print_metrics(args.checkpoint, metrics)
    if args.out and is_main_process():
        with open(args.out, 'w') as file:
            json.dump(plain_metrics(metrics), file, indent=1)


if __name__ == '__main__':
    parse = parser(__doc__.splitlines()[0])
    parse.add_argument('checkpoint', help='checkpoint file')
    parse.add_argument('--out', metavar='FILE', help='write the metrics as JSON')
    run(main, parse)
