"""Leaving the group of processes, for workers that tests spawn."""

import time

import torch.distributed as dist


def leave() -> None:
    """Wait for the others and for gloo's threads, then leave.

    torch 2.6 keeps Python's lock while it ends gloo's threads. One of them may need
    it to let go of the last tensors, and then both wait for ever.
    """
    dist.barrier()
    time.sleep(0.3)  # without the lock
    dist.destroy_process_group()
