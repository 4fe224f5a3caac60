"""A Runner inside another one's run leaves nothing of itself behind."""

import random

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope

from mcmi_plugin.isolation import isolated


def draws():
    return random.random(), np.random.rand(), torch.rand(1).item()


@pytest.mark.parametrize('fails', [False, True])
def test_random_state_and_current_instances_are_put_back(fails):
    outer = [kind.get_instance('outer') for kind in (MMLogger, MessageHub)]
    DefaultScope.get_instance('outer', scope_name='mmrazor')
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    expected = draws()
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    try:
        with isolated():
            draws()
            for kind in (MMLogger, MessageHub):
                assert kind.get_instance('inner') is kind.get_current_instance()
            DefaultScope.get_instance('inner', scope_name='mmpretrain')
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert fails
    assert draws() == expected
    current = [kind.get_current_instance() for kind in (MMLogger, MessageHub)]
    assert current == outer
    assert DefaultScope.get_current_instance().scope_name == 'mmrazor'
