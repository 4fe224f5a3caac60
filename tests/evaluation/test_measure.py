"""One pass over a loader: what it counts, what it leaves alone, what it refuses."""

import pytest
import torch
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import nn
from torch.utils.data import DataLoader

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation import predictions
from mcmi_plugin.evaluation.measure import measure, summary
from mcmi_plugin.functional.information import ClassStatistics


class Classifier(BaseModel):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 3))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.layers(inputs)


class Data(list):
    metainfo = dict(classes=('cat', 'dog', 'emu'))


def loader(labels=(0, 1, 2, 2, 1, 0, 0, 1), **field):
    torch.manual_seed(0)
    samples = Data()
    for label in labels:
        sample = DataSample(**field)
        if label is not None:
            sample.set_gt_label(label)
        samples.append(dict(inputs=torch.randn(4), data_samples=sample))

    def collate(batch):
        return dict(
            inputs=torch.stack([b['inputs'] for b in batch]),
            data_samples=[b['data_samples'] for b in batch],
        )

    return DataLoader(samples, batch_size=3, collate_fn=collate)


def test_it_is_one_exact_pass_in_eval_mode():
    model, data = Classifier().train(), loader()
    model(torch.randn(8, 4))
    state = {k: v.clone() for k, v in model.state_dict().items()}
    found = measure(model, data, 3)

    model.eval()
    expected = ClassStatistics(3)
    inputs = torch.stack([b['inputs'] for b in data.dataset])
    labels = torch.cat([b['data_samples'].gt_label for b in data.dataset])
    expected.update(model(inputs).detach(), labels)
    assert summary(found) == pytest.approx(summary(expected), abs=1e-6)
    assert summary(found)['num_samples'] == 8
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())


def test_the_mode_is_put_back():
    for mode in (True, False):
        model = Classifier().train(mode)
        measure(model, loader(), 3)
        assert model.training == mode


def test_train_mode_moves_batch_norm():
    model = Classifier()
    measure(model, loader(), 3, train_mode=True)
    assert model.layers[0].num_batches_tracked == 3


def test_samples_without_a_hard_label_are_refused():
    with pytest.raises(UserError, match='hard label'):
        measure(Classifier(), loader(labels=[None, None]), 3)
    mixed = loader(labels=[None, None])
    for sample in mixed.dataset:
        sample['data_samples'].set_gt_score(torch.tensor([0.5, 0.5, 0.0]))
    with pytest.raises(UserError, match='not mixed'):
        measure(Classifier(), mixed, 3)


def test_a_one_hot_score_is_a_hard_label():
    ids = [0, 2, 1, 1]
    scored = loader(labels=[None] * len(ids))
    for sample, label in zip(scored.dataset, ids, strict=True):
        sample['data_samples'].set_gt_score(torch.eye(3)[label])
    model = Classifier()
    expected = summary(measure(model, loader(labels=ids), 3))
    assert summary(measure(model, scored, 3)) == expected


@pytest.mark.parametrize('label', [-1, 3])
def test_a_label_out_of_range_is_named(label):
    with pytest.raises(UserError, match=rf'label {label} is not in \[0, 3\)'):
        measure(Classifier(), loader(labels=[0, 1, label]), 3)


def test_a_head_wider_than_the_class_names_is_said_once(monkeypatch):
    said = []
    monkeypatch.setattr(predictions, 'log_warning', said.append)
    predictions._tell_of_outputs.cache_clear()
    wide = Classifier()
    wide.layers[2] = nn.Linear(4, 5)
    data = loader()
    data.dataset.metainfo = dict(classes=('cat', 'dog', 'emu'))
    for _ in range(2):
        found = predictions.predict(wide, wide.data_preprocessor, data)
        assert found.classes == ['cat', 'dog', 'emu', '3', '4']
        assert measure(wide, data, 5).counts.tolist() == [3, 3, 2, 0, 0]
    assert len(said) == 1
    assert '3 classes, the head 5 outputs' in said[0]


def test_another_number_of_outputs_is_refused():
    with pytest.raises(UserError, match='3 outputs, not 5'):
        measure(Classifier(), loader(), 5)


def test_nan_is_refused():
    model = Classifier()
    model.layers[2].bias.data[0] = torch.nan
    with pytest.raises(UserError, match='NaN'):
        measure(model, loader(), 3)


def test_a_model_without_logits_is_refused():
    model = Classifier()
    model.layers = nn.Identity()
    model.forward = lambda *args, mode: (torch.zeros(3, 4),)
    model.register_parameter('weight', nn.Parameter(torch.zeros(1)))
    with pytest.raises(UserError, match='logits'):
        measure(model, loader(), 3)
