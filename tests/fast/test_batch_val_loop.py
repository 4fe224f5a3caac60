"""BatchValLoop hands every metric what it takes."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import METRICS
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from small_runs import config

from mcmi_plugin.errors import UserError
from mcmi_plugin.fast import BatchValLoop, ResidentRunner


@METRICS.register_module()
class Keeper(BaseMetric):
    """Keeps what it is given, of each image."""

    def process(self, data_batch, data_samples) -> None:
        self.results.extend(data_samples)

    def evaluate(self, size: int) -> dict:
        return {type(self).__name__: len(self.results)}

    def compute_metrics(self, results: list) -> dict:
        return {}


@METRICS.register_module()
class BatchKeeper(Keeper):
    takes_batches = True


@pytest.mark.parametrize('resident', [True, False])
def test_what_metrics_get(resident: bool, tmp_path) -> None:
    evaluator = [dict(type='Keeper'), dict(type='BatchKeeper')]
    cfg = config(tmp_path, resident, val_evaluator=evaluator)
    runner = (ResidentRunner if resident else Runner).from_cfg(cfg)
    runner.val()
    images, batches = (m.results for m in runner.val_loop.evaluator.metrics)
    assert len(images) == 50 and len(batches) == 4  # 16 at a time
    for key in ('pred_score', 'pred_label', 'gt_label'):
        joined = torch.cat([batch[key] for batch in batches])
        alone = [image[key] for image in images]
        alone = torch.stack(alone) if key == 'pred_score' else torch.cat(alone)
        assert torch.equal(joined, alone)
    assert {tuple(image['pred_score'].shape) for image in images} == {(10,)}
    (sample, *others) = next(iter(runner.val_dataloader))['data_samples']
    assert len(sample.gt_label) == (16 if resident else 1)
    assert len(others) == (0 if resident else 15)


class Answer(BaseModel):
    def __init__(self, answer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.answer


@pytest.mark.parametrize(
    ('answer', 'message'),
    [
        ((torch.zeros(2, 3),), 'Answer gives BatchValLoop no .B, C. logits'),
        (torch.zeros(2, 3, 4), 'Answer gives BatchValLoop no .B, C. logits'),
        (torch.zeros(3, 4), 'one gt_label per image'),
    ],
)
def test_models_it_cannot_validate(answer, message: str) -> None:
    loop = object.__new__(BatchValLoop)
    loop._runner = SimpleNamespace(model=Answer(answer))
    sample = DataSample().set_gt_label(torch.zeros(2))
    with pytest.raises(UserError, match=message):
        loop._predict(dict(inputs=torch.zeros(2), data_samples=[sample]))
