"""RepDistiller's and HSAKD's files of every network, as far as they can be checked.

That the renamed weights give the original networks' logits is tested with their
recorded outputs, in ``test_golden``.
"""

import pytest
import torch
from golden_runners_zoo import KEYS, build, build_hsakd

from mcmi_plugin.convert.convert import convert
from mcmi_plugin.errors import UserError


def zeros(name: str) -> dict[str, torch.Tensor]:
    return {key: torch.zeros(shape) for key, shape in KEYS[name].items()}


def save(path, **checkpoint):
    torch.save(checkpoint, path)
    return str(path)


@pytest.mark.parametrize('name', KEYS)
def test_every_network(tmp_path, name):
    if name.startswith('hsakd_'):
        model, wrapper = build_hsakd(name.removeprefix('hsakd_')), 'net'
    else:
        model, wrapper = build(name), 'model'
    parallel = {f'module.{key}': value for key, value in zeros(name).items()}
    path = save(tmp_path / 'file.pth', **{wrapper: parallel, 'epoch': 240})
    conversion = convert(path, model)
    assert conversion.fault() is None
    assert conversion.placement.num_placed == len(KEYS[name])
    assert conversion.placement.state.keys() == model.state_dict().keys()
    assert all(not value.any() for value in model.state_dict().values())
    naming = 'hsakd' if wrapper == 'net' else 'repdistiller'
    assert conversion.meta['source']['naming'] == naming
    assert conversion.difference is None
    assert conversion.not_compared == 'the source library is not installed'


def test_network_of_another_depth(tmp_path):
    path = save(tmp_path / 'file.pth', model=zeros('resnet20'))
    conversion = convert(path, build('resnet8'))
    assert len(conversion.placement.unplaced) == len(KEYS['resnet20']) - 56
    assert 'keys without a place' in conversion.fault()


def test_other_number_of_classes(tmp_path):
    path = save(tmp_path / 'file.pth', model=zeros('resnet8'))
    fault = convert(path, build('resnet8', num_classes=10)).fault()
    assert fault == '100 classes in the file, 10 in the model'


def test_auxiliary_classifiers_need_their_model(tmp_path):
    path = save(tmp_path / 'file.pth', net=zeros('hsakd_resnet20_aux'))
    unplaced = convert(path, build('resnet20')).placement.unplaced
    assert all(key.startswith('auxiliary_classifier.') for key in unplaced)
    assert len(unplaced) == len(KEYS['hsakd_resnet20_aux']) - len(KEYS['resnet20'])


def test_weights_of_another_family(tmp_path):
    path = save(tmp_path / 'file.pth', model=zeros('vgg8'))
    with pytest.raises(UserError, match=r'file\.pth: .*not those of a CIFARWideResNet'):
        convert(path, build('wrn_16_1'))


def test_foreign_keys_of_hsakd(tmp_path):
    model = build_hsakd('resnet20_aux')
    weights = {**zeros('hsakd_resnet20_aux'), 'extra.weight': torch.zeros(1)}
    path = save(tmp_path / 'file.pth', net=weights)
    assert convert(path, model).placement.unplaced == {'extra.weight': 'has no place'}
    weights['auxiliary_classifier.extra.weight'] = torch.zeros(1)
    path = save(tmp_path / 'file.pth', net=weights)
    with pytest.raises(UserError, match=r'file\.pth: .*HSAKD'):
        convert(path, model)
