"""No step with a stored teacher waits for the device, be its rows there or not."""

import pytest
import torch
from devices import DEVICES, on
from mmpretrain.structures import DataSample
from walked import BATCH, model_of, sgd

from mcmi_plugin.datasets.sent import ROWS, rows_in, sent
from mcmi_plugin.fast.lean_step import lean_step
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.folder import open_table
from mcmi_plugin.stored.kept import find_kept


def joined(view: int) -> dict:
    """A batch as a resident loader gives it: what tells its views is on the CPU."""
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    sample = DataSample().set_gt_label(torch.arange(BATCH))
    for key, value in (
        ('sample_idx', torch.arange(BATCH)),
        ('view_idx', torch.full((BATCH,), view)),
    ):
        sample.set_field(value, key, field_type='metainfo')
    return dict(inputs=images, data_samples=[sample])


@pytest.fixture(params=['kd', 'pkt', 'crd'])
def stored(request, tmp_path):
    """A distillation after a step, and what answers for its teacher."""
    model = model_of(request.param)
    model.train()
    data = model.data_preprocessor(joined(0), True)
    kept = find_kept(model.teacher, model.distiller, *data.values())
    kind = kept.choose(exact=False)
    identity = dict(
        format=1, kept=kind, dtype='float16', width=kept.widths[kind],
        num_images=BATCH, num_views=3,
    )  # fmt: skip
    answers = Answers(model, kept, kind, open_table(tmp_path / 'rows', identity))
    answers.begin()
    answers.ahead(batch := joined(0))
    lean_step(model, batch, sgd(model))
    return model, answers


@pytest.mark.parametrize('device', DEVICES)
def test_rows_that_are_there(stored, device: str) -> None:
    model, answers = stored
    rows = rows_in((batch := joined(0))['data_samples'])
    assert rows is None
    answers.ahead(batch)
    rows = rows_in(batch['data_samples'])
    with on(device) as place:
        optimizer = sgd(place.move(model))
        if place.fake:  # all is, on the CPU as well
            sample = DataSample().set_gt_label(place.tensor(torch.arange(BATCH)))
            sample.set_field(place.tensor(rows), ROWS, field_type='metainfo')
            index = place.tensor(torch.arange(BATCH))
            sample.set_field(index, 'sample_idx', field_type='metainfo')
            images = place.tensor(batch['inputs'])
            batch = dict(inputs=images, data_samples=[sample])
        batch = sent(batch, place.device, join=True)
        assert rows_in(batch['data_samples']).device.type == device
        out = lean_step(model, batch, optimizer)
    assert {value.device.type for value in out.values()} == {device}
    assert answers.found == BATCH


def test_rows_that_the_teacher_gives(stored) -> None:
    """They are asked for on the device, and kept when nobody waits for them."""
    model, answers = stored
    with on('meta') as place:
        optimizer = sgd(place.move(model))
        answers.ahead(batch := joined(1))
        batch = sent(batch, place.device, join=True)
        out = lean_step(model, batch, optimizer)
    assert {value.device.type for value in out.values()} == {'meta'}
    ((*_, live),) = answers._new
    assert live.device.type == 'meta' and answers.table.count() == BATCH
