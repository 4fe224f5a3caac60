"""Leaving the group of processes, for workers that tests spawn."""

import torch.distributed as dist


def leave() -> None:
    """Wait for the others, then leave.

    torch 2.6 keeps Python's lock while it waits for gloo's thread, which needs it to
    let go of the last tensors: without the barrier both may wait for ever.
    """
    dist.barrier()
    dist.destroy_process_group()
