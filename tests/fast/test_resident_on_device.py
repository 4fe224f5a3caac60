"""ResidentLoader with its images on a device."""

import pytest
import torch
from devices import on
from resident_sets import CROP_AND_FLIP, PACK, Marked, loader

from mcmi_plugin.fast.resident_tensors import _has_room


@pytest.mark.parametrize('pipeline', [PACK, CROP_AND_FLIP, CROP_AND_FLIP[1:]])
def test_gathered_in_one_go_the_images_are_the_same(pipeline) -> None:
    """As on a GPU."""
    dataset = Marked(70, pipeline=pipeline)
    usual, gathering = (loader(dataset, 16) for _ in range(2))
    gathering._load()
    gathering._tensors._gathers = True
    for one, other in zip(usual, gathering, strict=True):
        assert torch.equal(one['inputs'], other['inputs'])


@pytest.mark.parametrize('per_sample', [False, True])
def test_a_batch_on_a_device_waits_for_nothing(per_sample: bool) -> None:
    dataset = Marked(70, pipeline=CROP_AND_FLIP)
    resident = loader(dataset, 16)
    resident._load()
    resident.per_sample = per_sample
    with on('meta') as place:
        tensors = resident._tensors
        tensors._images, tensors._gathers = place.tensor(tensors._images), True
        batches = list(resident)
    assert [one['inputs'].device.type for one in batches] == ['meta'] * 5
    assert batches[-1]['inputs'].shape == (6, 1, 8, 8)


def test_room_on_the_device_is_asked_for(monkeypatch) -> None:
    free = 4 * 70 * 64
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda device: (free, free))
    gpu = torch.device('cuda', 0)
    assert _has_room(gpu, 70 * 64)
    assert not _has_room(gpu, 70 * 64 + 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('pipeline', [PACK, CROP_AND_FLIP])
def test_on_a_gpu_the_images_are_those_of_the_cpu(pipeline) -> None:
    dataset = Marked(70, pipeline=pipeline)
    usual = loader(dataset, 16)
    resident = loader(dataset, 16, device=torch.device('cuda', 0))
    for one, other in zip(usual, resident, strict=True):
        assert other['inputs'].is_cuda
        assert torch.equal(one['inputs'], other['inputs'].cpu())
