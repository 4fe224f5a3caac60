"""The processes of one job: how they come together and part."""

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from mmengine.dist import barrier, broadcast_object_list, is_main_process

from mcmi_plugin.errors import UserError


def check_launcher(launcher: str) -> None:
    """The launcher that a flag names has started this process.

    Raises:
        UserError: it has not; the line says how it is done.
    """
    variables = dict(pytorch='RANK', slurm='SLURM_PROCID')
    if launcher in variables and variables[launcher] not in os.environ:
        script = dict(pytorch='dist', slurm='slurm')[launcher]
        raise UserError(
            f'--launcher {launcher}: {variables[launcher]} is not set, so no such '
            f'launcher has started this; use tools/{script}_train.sh or '
            f'tools/{script}_test.sh'
        )


def join_by_gloo(launcher: str) -> None:
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


def on_main(function: Callable, *args: Any) -> Any:
    """Call ``function`` on the main process; its answer, or error, on every one."""
    answer: list[Any] = [None, None]
    if is_main_process():
        try:
            answer[0] = function(*args)
        except (UserError, OSError) as error:
            answer[1] = error
    broadcast_object_list(answer)
    barrier()
    if answer[1] is not None:
        raise answer[1]
    return answer[0]


def leave_processes() -> None:
    """Take leave of the other processes, all at once, and end; alone, just return.

    One that ends while another still talks to it is aborted by gloo's threads. And
    they may abort one that ends by itself, while Python takes it apart ("terminate
    called without an active exception", now and then), which torchrun then calls
    a failure. All is written by now, so that part is left out.
    """
    if not torch.distributed.is_initialized():
        return
    torch.distributed.barrier()
    # torch 2.6 keeps Python's lock while it ends gloo's threads, and waits for ever
    # for one that needs it to let go of the last tensors.
    time.sleep(0.3)
    torch.distributed.destroy_process_group()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
