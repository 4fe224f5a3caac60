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


def test_a_config_without_a_scope_is_told_so():
    cfg = Config(dict(model=dict(type='ImageClassifier')))
    words = 'ImageClassifier is not in the mmengine::model registry. Please check'
    line = r"^model\.type: there is no model 'ImageClassifier'; .* default_scope=None$"
    with pytest.raises(UserError, match=line):
        explain(KeyError(words), cfg)
