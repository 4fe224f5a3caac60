"""Every weight of the file and of the model is accounted for."""

import pytest
import torch

from mcmi_plugin.convert.placement import place_weights


def weights(**shapes: tuple) -> dict[str, torch.Tensor]:
    return {k.replace('__', '.'): torch.rand(shape) for k, shape in shapes.items()}


MODEL = weights(
    conv__weight=(4, 3),
    bn__weight=(4,),
    bn__num_batches_tracked=(),
    head__fc__weight=(10, 4),
    head__fc__bias=(10,),
)
NAMES = {
    'c.weight': 'conv.weight',
    'n.weight': 'bn.weight',
    'n.num_batches_tracked': 'bn.num_batches_tracked',
    'fc.weight': 'head.fc.weight',
    'fc.bias': 'head.fc.bias',
}


@pytest.fixture
def file():
    return {key: torch.rand_like(MODEL[place]) for key, place in NAMES.items()}


def test_all_have_a_place(file):
    placement = place_weights(file, NAMES, MODEL)
    assert placement.fault() is None
    assert placement.num_placed == 5
    assert placement.state.keys() == MODEL.keys()
    assert all(torch.equal(placement.state[NAMES[k]], file[k]) for k in file)


def test_counter_that_older_files_lack_is_the_models(file):
    del file['n.num_batches_tracked']
    placement = place_weights(file, NAMES, MODEL)
    assert placement.fault() is None
    assert placement.num_placed == 4
    name = 'bn.num_batches_tracked'
    assert torch.equal(placement.state[name], MODEL[name])


def test_foreign_and_missing_keys(file):
    file['extra.weight'] = file.pop('c.weight')
    placement = place_weights(file, NAMES, MODEL)
    assert placement.unplaced == {'extra.weight': 'has no place'}
    assert placement.missing == ['conv.weight']
    assert placement.num_classes is None
    assert placement.fault() == (
        'keys without a place in the model: 1 (extra.weight); '
        'keys of the model without a value: 1 (conv.weight)'
    )


def test_name_that_the_model_lacks(file):
    names = {**NAMES, 'c.weight': 'elsewhere.weight'}
    assert list(place_weights(file, names, MODEL).unplaced) == ['c.weight']


def test_other_number_of_classes(file):
    file['fc.weight'], file['fc.bias'] = torch.rand(7, 4), torch.rand(7)
    placement = place_weights(file, NAMES, MODEL)
    assert placement.unplaced == {
        'fc.weight': 'is (7, 4), but head.fc.weight (10, 4)',
        'fc.bias': 'is (7,), but head.fc.bias (10,)',
    }
    assert placement.missing == []
    assert placement.num_classes == (7, 10)
    assert placement.fault() == '7 classes in the file, 10 in the model'


def test_another_network_is_not_taken_for_another_number_of_classes(file):
    file['fc.weight'], file['fc.bias'] = torch.rand(7, 5), torch.rand(7)
    assert place_weights(file, NAMES, MODEL).num_classes is None
    file['fc.weight'] = torch.rand(7, 4)
    del file['c.weight']
    assert place_weights(file, NAMES, MODEL).num_classes is None


def test_other_rows_are_no_classes(file):
    file['c.weight'] = torch.rand(7, 3)  # as a Swin's table of positions
    for num_classes in (10, 7):
        placement = place_weights(file, NAMES, MODEL, num_classes)
        assert (placement.num_classes, placement.classifier) == (None, ())
    fault = 'keys without a place in the model: {} ({})'
    assert placement.fault() == fault.format(1, 'c.weight')
    file['fc.weight'] = torch.rand(7, 4)
    placement = place_weights(file, NAMES, MODEL, 10)
    assert placement.fault() == fault.format(2, 'c.weight, fc.weight')


def test_weights_without_dimensions(file):
    file['n.weight'] = torch.tensor(1.0)
    file['n.num_batches_tracked'] = torch.tensor([7])
    placement = place_weights(file, NAMES, MODEL)
    assert placement.num_classes is None
    assert placement.unplaced == {
        'n.weight': 'is (), but bn.weight (4,)',
        'n.num_batches_tracked': 'is (1,), but bn.num_batches_tracked ()',
    }
