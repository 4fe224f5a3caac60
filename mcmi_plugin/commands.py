"""What the commands in ``tools/`` share: flags, the config, processes, errors."""

import argparse
import os
import os.path as osp
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
from mmengine.config import Config
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mcmi_plugin.checks.channels import check_channels, explain_channels
from mcmi_plugin.checks.classes import check_classes
from mcmi_plugin.checks.data import check_data
from mcmi_plugin.checks.keys import check_together, tell_of_mixing
from mcmi_plugin.checks.outputs import explain_labels
from mcmi_plugin.checks.resume import check_resume
from mcmi_plugin.checks.sources import check_sources
from mcmi_plugin.checks.teacher import check_teacher
from mcmi_plugin.checks.values import check_mixed_precision
from mcmi_plugin.checks.work_dir import alone_in, check_work_dir
from mcmi_plugin.compat.own_configs import PREFIX, own_path
from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.files import file_at_fault
from mcmi_plugin.faults.names import REFUSALS, explain
from mcmi_plugin.interruption import Interruption
from mcmi_plugin.job_config import job_config
from mcmi_plugin.last_checkpoint import find_checkpoint_to_resume
from mcmi_plugin.locations import called_by_name
from mcmi_plugin.optim_wrappers import wrappers_in
from mcmi_plugin.overrides import add_overrides
from mcmi_plugin.processes import check_launcher, join_by_gloo, leave_processes
from mcmi_plugin.runner.build import build_runner
from mcmi_plugin.screen import outlast_the_screen
from mcmi_plugin.whole_file import NotWritten


def parser(description: str) -> argparse.ArgumentParser:
    """The flags that every command of OpenMMLab's users has."""
    parse = argparse.ArgumentParser(description=description)
    parse.add_argument('config', help='config file')
    parse.add_argument(
        '--work-dir', help='folder of logs and checkpoints (work_dirs/CONFIG)'
    )
    parse.add_argument('--amp', action='store_true', help='automatic mixed precision')
    add_overrides(
        parse, 'override keys of the config, e.g. mcmi.lmda=0.2 mcmi.epochs=5'
    )
    parse.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    parse.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parse


def load_config(args: argparse.Namespace) -> Config:
    """The config that a command's flags name; ``work_dir`` goes back into ``args``.

    Raises:
        UserError: as :func:`job_config`, or ``--amp`` without a GPU.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = job_config(args.config, args.cfg_options, args.work_dir, args.launcher)
    args.work_dir = cfg.work_dir
    if args.amp:
        if not torch.cuda.is_available():
            raise UserError('--amp: mixed precision needs a GPU; leave the flag out')
        use_mixed_precision(cfg)
    return cfg


def use_mixed_precision(cfg: Config) -> None:
    """Autocast in bfloat16 where the GPU has it, or else float16 and a loss scale.

    bfloat16 has float32's range and needs no scale, for which every step would wait.
    """
    has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    for wrapper in wrappers_in(cfg.optim_wrapper).values():
        wrapper['type'] = 'AmpOptimWrapper'
        if has_bf16:
            wrapper.setdefault('dtype', 'bfloat16')
        scales = wrapper.get('dtype') != 'bfloat16'
        wrapper.setdefault('loss_scale', 'dynamic' if scales else dict(enabled=False))


def train(
    cfg: Config,
    resume: bool | str = False,
    hooks: Sequence[Hook] = (),
    anew: bool = False,
) -> Runner:
    """Train by a config from :func:`job_config`, after every check of it.

    Args:
        resume: ``True``: go on wherever the job stopped; a path: from there.
        hooks: that no config can say, for example one that watches the run.
        anew: the student begins, and only what makes its teacher goes on.

    Returns:
        The Runner at its end, with the trained model in it.

    Raises:
        UserError: no data, no teacher, or a work dir that cannot be written.
    """
    cfg.resume, begins = bool(resume), anew or not resume
    if isinstance(resume, str):
        cfg.load_from = resume
    elif resume and cfg.get('load_from') and not anew:
        # What the job began with, until it has saved something itself.
        last = find_checkpoint_to_resume(cfg.work_dir)
        cfg.load_from, begins = last or cfg.load_from, last is None
    check_together(cfg)
    check_mixed_precision(cfg)
    tell_of_mixing(cfg)
    check_teacher(cfg)
    check_data(cfg, ('train_dataloader', 'val_dataloader'))
    check_classes(cfg)
    check_work_dir(cfg.work_dir)
    runner = build_checked(cfg)
    check_channels(runner.model)
    for hook in hooks:
        runner.register_hook(hook)
    if begins:  # though an interrupted stage of its teacher goes on
        runner._resume = False
    else:
        check_resume(runner)
    try:
        with nullcontext() if anew else alone_in(cfg.work_dir):
            runner.train()
    except REFUSALS as error:
        explain(error, cfg)
        raise
    except RuntimeError as error:
        explain_channels(error)
        raise
    except IndexError as error:
        explain_labels(error)
        raise
    return runner


def train_and_report(cfg: Config, resume: bool | str = False) -> Runner:
    """:func:`train`, and ``report.html`` in the work dir, which cannot make it fail."""
    runner = train(cfg, resume)
    # Loaded when training is done, which would have begun later otherwise.
    from mcmi_plugin.report.command import report_training

    report_training(runner)
    return runner


def build_checked(cfg: Config) -> Runner:
    """The Runner of a config, over gloo where several processes have no GPU."""
    check_launcher(cfg.launcher)
    if cfg.launcher != 'none' and not torch.cuda.is_available():
        # mmengine would set a CUDA device and wrap the model with its number.
        join_by_gloo(cfg.launcher)
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    try:
        return build_runner(cfg)
    except REFUSALS as error:
        if isinstance(error, AssertionError):
            # MMRazor's words for a recorder that listens to nothing name no key.
            check_sources(cfg)
        explain(error, cfg)
        raise


def run(
    main: Callable[[argparse.Namespace], None], parse: argparse.ArgumentParser
) -> None:
    """Run a command; what the user can put right is one line and exit status 2.

    SIGTERM and SIGINT end it with one line too, which says how to go on, and with
    exit status 128 + signal.
    """
    outlast_the_screen()
    if called_by_name():
        parse.prog = f'mcmi-plugin {osp.splitext(osp.basename(sys.argv[0]))[0]}'
    parse.add_argument('--debug', action='store_true', help='show tracebacks')
    args = parse.parse_args()
    if getattr(args, 'config', '').startswith(PREFIX):
        args.config = own_path(args.config)
    interruption = Interruption()
    try:
        main(args)
        leave_processes()
    except BaseException as error:
        # Not the error alone: a worker that got the signal too may have died first.
        if interruption.signal is not None:
            interruption.leave(args)
        fault = file_at_fault(error)
        rank = f' (rank {get_rank()})' * (get_rank() > 0)
        if fault is None or args.debug:
            if rank:  # among the tracebacks of several processes
                print(f'error{rank}: {type(error).__name__}: {error}', file=sys.stderr)
            raise
        goes_on = isinstance(fault, NotWritten) and 'resume' in args
        then = ', then continue with --resume' * goes_on
        print(f'error{rank}: {fault}{then}', file=sys.stderr)
        sys.exit(2)
