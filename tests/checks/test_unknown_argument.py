"""Python's words for an unknown argument, of every Python that is supported."""

import pytest
from mmengine.config import Config

from mcmi_plugin.errors import UserError
from mcmi_plugin.faults.names import explain


@pytest.mark.parametrize('more', ['', ". Did you mean 'stages'?"])
def test_the_key_is_named(more):
    cfg = Config(dict(model=dict(backbone=dict(type='ResNet', depth=18, stagez=4))))
    words = f"ResNet.__init__() got an unexpected keyword argument 'stagez'{more}"
    with pytest.raises(UserError, match=r'^model\.backbone\.stagez is no argument of'):
        explain(TypeError(words), cfg)
