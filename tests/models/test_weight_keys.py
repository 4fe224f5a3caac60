"""Every original weight has one place in our models."""

import pytest
import torch
from golden_runners_zoo import KEYS, build, build_hsakd

from mcmi_plugin.errors import UserError
from mcmi_plugin.models.keys import from_hsakd, from_repdistiller


@pytest.mark.parametrize('name', KEYS)
def test_every_key_is_placed(name: str) -> None:
    original = {key: torch.empty(shape) for key, shape in KEYS[name].items()}
    if name.startswith('hsakd_'):
        name = name.removeprefix('hsakd_')
        model, converted = build_hsakd(name), from_hsakd(name, original)
    else:
        model, converted = build(name), from_repdistiller(name, original)
    assert len(converted) == len(original)
    assert {id(v) for v in converted.values()} == {id(v) for v in original.values()}
    ours = model.state_dict()
    assert {key: value.shape for key, value in converted.items()} == {
        key: value.shape for key, value in ours.items()
    }


def test_unknown_network() -> None:
    with pytest.raises(UserError, match="'densenet' is unknown"):
        from_repdistiller('densenet', {})


def test_weights_of_another_network() -> None:
    weights = {key: torch.empty(shape) for key, shape in KEYS['vgg8'].items()}
    with pytest.raises(UserError, match='not those of wrn_40_2.*fc.weight'):
        from_repdistiller('wrn_40_2', weights)
