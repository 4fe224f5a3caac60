"""A teacher that is the mean of several states of one training."""

import torch
from mmengine.dist import barrier, broadcast
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor
from torch.optim.swa_utils import update_bn

from mcmi_plugin.last_checkpoint import saved_checkpoints
from mcmi_plugin.weights.file import load_checkpoint_file


def take_mean(runner: Runner, number: int) -> None:
    """Load the mean weights of the last checkpoints, after the training.

    Izmailov et al., *Averaging Weights Leads to Wider Optima*, UAI 2018: batch norm's
    statistics are not averaged but taken anew, in one pass over the training set.

    Args:
        runner: at the end of its training; each of its last epochs is saved.
    """
    barrier()  # the main process may still be writing the last
    model = get_ori_model(runner.model)
    paths = saved_checkpoints(runner.work_dir)[:number]
    states = [load_checkpoint_file(str(path))['state_dict'] for path in paths]
    model.load_state_dict(mean_state(states))
    loader = runner.train_dataloader
    update_bn((model.data_preprocessor(batch)['inputs'] for batch in loader), model)
    for buffer in model.buffers():  # each process has seen its part of the data
        broadcast(buffer)


def mean_state(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Entry by entry; whole numbers, such as batch norm's counts, are the first's.

    >>> mean_state([dict(w=torch.tensor([1.0])), dict(w=torch.tensor([2.0]))])
    {'w': tensor([1.5000])}
    """
    return {
        name: torch.stack([state[name] for state in states]).mean(0)
        if first.is_floating_point()
        else first
        for name, first in states[0].items()
    }
