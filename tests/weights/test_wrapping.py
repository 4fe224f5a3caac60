"""What is wrapped around a network's weights comes off, whoever wrapped it."""

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torchvision_networks import random_network

from mcmi_plugin.errors import UserError
from mcmi_plugin.weights.loading import load_weights, read_weights
from mcmi_plugin.weights.wrapping import renamed, weights_in, without_prefix

STATE = {'conv.weight': torch.ones(2, 3), 'fc.bias': torch.zeros(2)}


def under(prefix: str, state: dict = STATE) -> dict:
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize(
    'prefix', ['', 'module.', '_orig_mod.', 'module._orig_mod.', '_orig_mod.module.']
)
def test_what_torchs_wrappers_add(prefix):
    assert weights_in(under(prefix)).state.keys() == STATE.keys()


def test_a_part_of_a_network_that_was_compiled_or_sharded():
    state = {'layer1._orig_mod.weight': torch.ones(1), 'a._fsdp_wrapped_module.b': 1}
    assert list(weights_in(state).state) == ['layer1.weight']


def test_averaged_weights():
    network = nn.Sequential(nn.Linear(2, 3))
    averaged = AveragedModel(network)
    assert weights_in(averaged.state_dict()).state.keys() == network.state_dict().keys()


@pytest.mark.parametrize(
    'entry',
    ['state_dict', 'model', 'net', 'model_state_dict', 'state_dict_ema', 'my_own'],
)
def test_entry(entry):
    found = weights_in({'epoch': 3, entry: STATE, 'optimizer': {'state': {0: 1}}})
    assert found.state.keys() == STATE.keys()
    assert (found.entry, found.others) == (entry, [])


@pytest.mark.parametrize('entry', ['state_dict', 'model', 'net'])
@pytest.mark.parametrize('beside', [torch.tensor(69.8), torch.get_rng_state()])
def test_a_tensor_beside_an_entry_is_no_weight(entry, beside):
    found = weights_in({'epoch': 90, 'best': beside, entry: STATE, 'optimizer': {}})
    assert found.state.keys() == STATE.keys()
    assert (found.entry, found.others) == (entry, [])


def test_an_average_beside_the_weights_is_not_taken_for_them():
    average = {name: value + 1 for name, value in STATE.items()}
    found = weights_in({**STATE, 'state_dict_ema': average})
    assert found.state['fc.bias'].equal(STATE['fc.bias'])


def test_layers_named_like_an_entry():
    state = {'model.weight': torch.ones(1), 'net': torch.ones(1)}
    assert weights_in(state | {'epoch': 3}) == (state, None, [])


def test_one_of_several_entries():
    other = {name: value + 1 for name, value in STATE.items()}
    both = {'state_dict_ema': other, 'state_dict': STATE}
    found = weights_in(both)
    assert (found.entry, found.others) == ('state_dict', ['state_dict_ema'])
    assert weights_in(both, 'state_dict_ema').state['fc.bias'].equal(other['fc.bias'])
    with pytest.raises(UserError, match='there is state_dict_ema, state_dict'):
        weights_in(both, 'ema')
    with pytest.raises(UserError, match=r'several sets of weights \(a, b\)'):
        weights_in({'a': STATE, 'b': other})


def test_prefix_of_all_names():
    wanted = {'backbone.conv.weight': 0, 'head.fc.bias': 0}
    state, off = without_prefix(under('model.student.'), wanted)
    assert (list(state), off) == (list(STATE), 'model.student.')
    # A network that has that name itself, and names that differ.
    assert without_prefix(under('backbone.'), wanted)[1] == ''
    assert without_prefix(under('model.') | {'extra': 0}, wanted)[1] == ''
    assert without_prefix({'scale': 0}, {})[1] == ''


def test_renamed():
    new = renamed(STATE, ['conv.=stem.', 'fc=head.fc'])
    assert list(new) == ['stem.weight', 'head.fc.bias']
    assert list(renamed(under('a.b.'), ['a.b.='])) == list(STATE)
    for wrong in ('linear.=fc.', 'conv.'):
        with pytest.raises(UserError, match=r'those of the file are conv, fc'):
            renamed(STATE, [wrong])
    with pytest.raises(UserError, match='two weights would have one name'):
        renamed(STATE, ['conv.weight=fc.bias'])


@pytest.mark.parametrize('prefix', ['_orig_mod.', 'model.', 'module.net._orig_mod.'])
def test_a_teacher_is_taken_with_its_prefix(tmp_path, prefix):
    network = random_network('resnet18')
    torch.save(under(prefix, network.state_dict()), tmp_path / 'teacher.pth')
    model = nn.ModuleDict({'backbone': random_network('resnet18')})
    model['head'] = nn.ModuleDict({'fc': model['backbone'].fc})
    del model['backbone'].fc
    nn.init.zeros_(model['head']['fc'].weight)
    state, _ = read_weights(str(tmp_path / 'teacher.pth'))
    load_weights(model, state, 'teacher.pth')
    assert model['head']['fc'].weight.equal(network.fc.weight)
    state['extra'] = torch.zeros(1)
    with pytest.raises(UserError, match='or convert it: tools/convert_checkpoint'):
        load_weights(model, state, 'teacher.pth')


@pytest.mark.parametrize('prefix', ['', 'module.', '_orig_mod.'])
@pytest.mark.parametrize('names', [['module'], ['module', 'head']])
def test_a_network_with_an_attribute_named_module(tmp_path, prefix, names):
    source, model = (
        nn.ModuleDict({name: nn.Linear(2, 3) for name in names}) for _ in range(2)
    )
    torch.save(under(prefix, source.state_dict()), tmp_path / 'own.pth')
    state, _ = read_weights(str(tmp_path / 'own.pth'))
    load_weights(model, state, 'own.pth')
    assert all(model[name].weight.equal(source[name].weight) for name in names)
