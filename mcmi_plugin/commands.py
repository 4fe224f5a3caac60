"""What the commands in ``tools/`` share: flags, the config, processes, errors."""

import argparse
import errno
import os
import os.path as osp
import subprocess
import sys
from collections.abc import Callable

import torch
from mmengine.config import Config, DictAction
from mmengine.dist import get_rank
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mcmi_plugin import preflight
from mcmi_plugin.distill.sources import check_sources
from mcmi_plugin.errors import UserError
from mcmi_plugin.interruption import Interruption

STANDARD_HOOKS = (
    'RandomStateHook',
    'ResumeValidationHook',
    'FreshStartHook',
    'FiniteLossHook',
)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def parser(description: str) -> argparse.ArgumentParser:
    """The flags that every command of OpenMMLab's users has."""
    parse = argparse.ArgumentParser(description=description)
    parse.add_argument('config', help='config file')
    parse.add_argument(
        '--work-dir', help='folder of logs and checkpoints (work_dirs/CONFIG)'
    )
    parse.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parse.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override keys of the config, e.g. mcmi.lmda=0.2 mcmi.epochs=5',
    )
    parse.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    parse.add_argument('--debug', action='store_true', help='show tracebacks')
    parse.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parse


def load_config(args: argparse.Namespace) -> Config:
    """The config that a command's flags name; ``work_dir`` goes back into ``args``.

    Raises:
        UserError: as :func:`read_config`, or ``--amp`` without a GPU.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config, args.cfg_options, args.work_dir, args.launcher)
    args.work_dir = cfg.work_dir
    if args.amp:
        if not torch.cuda.is_available():
            raise UserError('--amp: mixed precision needs a GPU; leave the flag out')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    return cfg


def read_config(
    path: str, options: dict, work_dir: str | None = None, launcher: str = 'none'
) -> Config:
    """A config file, overridden and made ready for :func:`train`.

    Args:
        path: of the config.
        options: overrides by dotted key, as ``--cfg-options`` gives them.
        work_dir: by default the config's own, or ``work_dirs/NAME``.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        UserError: no such file, or it cannot be read, or an unknown key of mcmi.
    """
    if not osp.isfile(path):
        raise UserError(f'there is no config {path}')
    try:
        cfg = Config.fromfile(path)
    except UserError:
        raise
    except Exception as error:  # a config is code, and fails as code does
        raise UserError(f'{path}: {error}'.replace('\n', ' ')) from error
    for key in options:
        if key.split('.')[0] in ('pair', 'method'):
            raise UserError(
                f'--cfg-options {key}: has gone into `model` already, when the config '
                'was read; override the key below `model`'
            )
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, IndexError) as error:
        raise UserError(f'--cfg-options: {error}') from error
    cfg.launcher = launcher
    name = osp.splitext(osp.basename(path))[0]
    cfg.work_dir = work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader):
            # mmpretrain's collate of its own is slower than torch's.
            cfg[loader].setdefault('collate_fn', dict(type='default_collate'))
            cfg[loader].setdefault('pin_memory', torch.cuda.is_available())
            workers = cfg[loader].get('num_workers', 0) > 0
            cfg[loader].setdefault('persistent_workers', workers)
            cfg[loader].persistent_workers &= workers  # torch refuses it with none
    if cfg.get('train_dataloader'):
        # Workers that outlive an epoch have random states that no checkpoint holds.
        cfg.train_dataloader.persistent_workers = False
    for hook in STANDARD_HOOKS:
        preflight.add_hook(cfg, type=hook)
    preflight.settle_teacher_source(cfg)
    preflight.add_teacher_hook(cfg)
    return cfg


def train(cfg: Config, resume: bool | str = False) -> Runner:
    """Train by a config from :func:`read_config`, after every check of it.

    Args:
        cfg: the config.
        resume: ``True``: go on wherever the job stopped; a path: from there.

    Returns:
        The Runner at its end, with the trained model in it.

    Raises:
        UserError: no data, no teacher, or a work dir that cannot be written.
    """
    cfg.resume = bool(resume)
    cfg.load_from = resume if isinstance(resume, str) else cfg.get('load_from')
    preflight.check_teacher(cfg)
    preflight.check_data(cfg)
    preflight.check_work_dir(cfg.work_dir)
    runner = build_runner(cfg)
    runner.train()
    return runner


def build_runner(cfg: Config) -> Runner:
    """The Runner of a config, over gloo where several processes have no GPU."""
    if cfg.launcher != 'none' and not torch.cuda.is_available():
        # mmengine would set a CUDA device and wrap the model with its number.
        _init_gloo(cfg.launcher)
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    try:
        return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    except AssertionError:
        # MMRazor's words for a recorder that listens to nothing name no key.
        check_sources(cfg.model)
        raise


def _init_gloo(launcher: str) -> None:
    """Join the processes that the launcher has started; the Runner then finds them."""
    if launcher == 'slurm':
        names = dict(RANK='PROCID', LOCAL_RANK='LOCALID', WORLD_SIZE='NTASKS')
        os.environ.update({k: os.environ[f'SLURM_{v}'] for k, v in names.items()})
        if 'MASTER_ADDR' not in os.environ:
            command = ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']]
            hosts = subprocess.run(command, capture_output=True, text=True, check=True)
            os.environ['MASTER_ADDR'] = hosts.stdout.split()[0]
        os.environ.setdefault('MASTER_PORT', '29500')
    elif launcher == 'mpi':
        raise UserError('--launcher mpi needs GPUs; use torchrun: tools/dist_train.sh')
    torch.distributed.init_process_group('gloo')


def _leave_processes() -> None:
    """Take leave of the other processes, all at once.

    One that ends while another still talks to it is aborted by gloo's threads.
    """
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def run(
    main: Callable[[argparse.Namespace], None], parse: argparse.ArgumentParser
) -> None:
    """Run a command; what the user can put right is one line and exit status 2.

    SIGTERM and SIGINT end it with one line too, which says how to go on, and with
    exit status 128 + signal.
    """
    args = parse.parse_args()
    interruption = Interruption()
    try:
        main(args)
        _leave_processes()
    except BaseException as error:
        # Not the error alone: a worker that got the signal too may have died first.
        if interruption.signal is not None:
            interruption.leave(args)
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            error = UserError(f'{error.filename or "a file"}: {error.strerror}')
        if not isinstance(error, UserError) or args.debug:
            raise
        rank = f' (rank {get_rank()})' * (get_rank() > 0)
        print(f'error{rank}: {error}', file=sys.stderr)
        sys.exit(2)
