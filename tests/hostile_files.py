"""Checkpoint files that are not what they seem, and the line about each."""

import argparse
import os

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mcmi_plugin.errors import UserError
from mcmi_plugin.weights.file import load_checkpoint_file


class Calls:
    """Pickles as a call of ``function``: what a hostile file is made of."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def save(path, content, **kwargs):
    torch.save(content, path, **kwargs)
    return path


def refusal(path, load=load_checkpoint_file):
    with pytest.raises(UserError) as raised:
        load(str(path))
    message = str(raised.value)
    assert '\n' not in message and str(path) in message
    return message


def hostile(marker):
    touch = Calls(os.system, f'touch {marker}')
    history = HistoryBuffer([1.0], [1])
    history.forged = touch
    return {
        'at the top': touch,
        'beside the weights': {'state_dict': {}, 'meta': [touch]},
        'inside an allowed object': {'message_hub': history},
        'eval': {'meta': Calls(eval, f'__import__("os").mknod("{marker}")')},
        'getattr of another class': {'meta': Calls(getattr, torch.Tensor, 'max')},
        'getattr beyond the statistics': {
            'meta': Calls(getattr, HistoryBuffer, 'register_statistics')
        },
        'getattr of getattr': {
            'meta': Calls(getattr, Calls(getattr, HistoryBuffer, 'min'), '__globals__')
        },
        'getattr on a history': {'meta': Calls(getattr, history, '__dict__')},
        'inside flags': {'args': argparse.Namespace(lr=0.1, hook=[touch])},
        'an object inside flags': {'args': argparse.Namespace(history=history)},
        'a call of flags': {'args': Calls(argparse.Namespace, touch)},
        'array of pointers': {
            'meta': Calls(np.ndarray, (1,), 'O', bytearray(b'pointers'))
        },
    }
