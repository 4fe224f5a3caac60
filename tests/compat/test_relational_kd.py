"""MMRazor's RKD as it was, mended."""

import importlib.util
from pathlib import Path

import mmrazor
import pytest
import torch
from mmrazor.models.losses import AngleWiseRKD, DistanceWiseRKD

from mcmi_plugin.compat.relational_kd import _waits


@pytest.fixture(scope='module')
def upstream():
    """The module as it is on the disk."""
    folder = mmrazor.__path__[0]
    file = Path(folder, 'models/losses/relational_kd.py')
    text = file.read_text().replace('@MODELS.register_module()', '')
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader('relational_kd_as_it_was', None)
    )
    exec(compile(text, file, 'exec'), module.__dict__)
    return module


@pytest.mark.parametrize('kind', [DistanceWiseRKD, AngleWiseRKD])
@pytest.mark.parametrize('with_l2_norm', [True, False])
def test_the_same_loss_and_gradient(kind, with_l2_norm, upstream) -> None:
    student, teacher = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    found = []
    for one in (kind, getattr(upstream, kind.__name__)):
        points = student.clone().requires_grad_()
        loss = one(with_l2_norm=with_l2_norm)(points, teacher)
        loss.backward()
        found.append((loss.detach(), points.grad))
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize('with_l2_norm', [True, False])
def test_a_batch_of_one_has_no_distances(with_l2_norm, upstream) -> None:
    student, teacher = torch.rand(2, 1, 5)
    student.requires_grad_()
    assert upstream.DistanceWiseRKD()(student, teacher).isnan()
    loss = DistanceWiseRKD(with_l2_norm=with_l2_norm)(student, teacher)
    loss.backward()
    assert loss == 0 and torch.equal(student.grad, torch.zeros(1, 5))


def test_the_defect_is_looked_for(upstream) -> None:
    assert _waits(upstream.DistanceWiseRKD) and not _waits(DistanceWiseRKD)


@pytest.mark.parametrize('kind', [DistanceWiseRKD, AngleWiseRKD])
def test_autocast_leaves_it_as_it_is(kind) -> None:
    student, teacher = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    exact = kind()(student, teacher)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(kind()(student, teacher), exact)
