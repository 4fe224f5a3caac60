"""Where a training epoch's random numbers come from."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.runner import Runner
from torch import nn

from mcmi_plugin.hooks import random_state_hook
from mcmi_plugin.isolation import random_state, set_random_state
from mcmi_plugin.weights.file import load_checkpoint_file


def draws() -> tuple:
    return (
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),
        np.random.randn(),
        torch.rand(1).item(),
    )


def test_the_state_goes_through_a_weights_only_file(tmp_path):
    random.gauss(0, 1), np.random.randn()  # one of a pair: the other is kept
    file = tmp_path / 'state.pth'
    torch.save(dict(state=random_state()), file)
    expected = [draws() for _ in range(3)]
    set_random_state(load_checkpoint_file(file)['state'])
    assert [draws() for _ in range(3)] == expected


class Data(torch.utils.data.Dataset):
    """Samples that are random in the way that augmentation is."""

    metainfo = {}

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict:
        noise = [random.random(), np.random.rand(), torch.rand(1).item()]
        return dict(x=torch.tensor([index, *noise]))


class Model(nn.Module):
    """Dropout before a weight, and everything it was given noted down."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))
        self.seen = []

    def train_step(self, batch: dict, optim_wrapper) -> dict:
        dropped = nn.functional.dropout(batch['x'], 0.5)
        self.seen.append(dropped)
        optim_wrapper.update_params((dropped @ self.weight).mean())
        return {}

    def val_step(self, batch: dict) -> list:
        return [{}]


class DrawingMetric(BaseMetric):
    """A validation that draws random numbers."""

    runs = 0

    def process(self, data_batch, data_samples) -> None:
        self.results.append(draws())

    def compute_metrics(self, results: list) -> dict:
        DrawingMetric.runs += 1
        return dict(score=1.0)


def train(work_dir, epochs: int, resume=False, workers=0, seed=0) -> list:
    """Batches that the model saw, [(8, 4) values per epoch]."""
    loader = dict(
        batch_size=4,
        num_workers=workers,
        dataset=Data(),
        sampler=dict(type='DefaultSampler', shuffle=True),
        collate_fn=dict(type='default_collate'),
    )
    cfg = Config(
        dict(
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            custom_hooks=[
                dict(type='RandomStateHook'),
                dict(type='ResumeValidationHook'),
            ],
            randomness=dict(seed=seed),
            resume=resume,
        )
    )
    runner = Runner(
        Model(),
        str(work_dir),
        train_dataloader=loader,
        val_dataloader={**loader, 'num_workers': 0},
        val_cfg={},
        val_evaluator=Evaluator(DrawingMetric()),
        experiment_name=f'{work_dir.name}-{epochs}-{resume}',
        **cfg,
    )
    runner.train()
    batches = runner.model.seen
    return [torch.cat(pair) for pair in zip(batches[::2], batches[1::2], strict=True)]


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('seed', [0, None])
def test_a_resumed_run_draws_what_the_other_would_have(workers, seed, tmp_path):
    whole = train(tmp_path / 'a', 4, workers=workers, seed=seed)
    # The first two epochs again, by the checkpoint that the whole run left.
    (tmp_path / 'a/last_checkpoint').write_text(str(tmp_path / 'a/epoch_2.pth'))
    resumed = train(tmp_path / 'a', 4, resume=True, workers=workers, seed=seed)
    assert len(resumed) == 2
    assert all(map(torch.equal, resumed, whole[2:]))
    epochs = torch.stack(whole)[:, :, 1:].sort(1).values
    assert len({tuple(epoch.flatten().tolist()) for epoch in epochs}) == 4


def test_epochs_of_workers_augment_differently(tmp_path):
    first, second = (
        set(epoch[:, 1].tolist()) - {0} for epoch in train(tmp_path / 'a', 2, workers=2)
    )
    assert not first & second


def test_the_resumed_epoch_is_validated(tmp_path):
    train(tmp_path / 'a', 2)
    before = DrawingMetric.runs
    train(tmp_path / 'a', 2, resume=True)
    assert DrawingMetric.runs == before + 1


def test_other_processes_than_before(tmp_path, monkeypatch):
    train(tmp_path / 'a', 1)
    monkeypatch.setattr(random_state_hook, 'get_world_size', lambda: 2)
    hook = random_state_hook.RandomStateHook()
    stored = load_checkpoint_file(tmp_path / 'a/epoch_1.pth')['message_hub']
    loader = torch.utils.data.DataLoader(Data())
    runner = SimpleNamespace(
        train_dataloader=loader,
        message_hub=SimpleNamespace(runtime_info=stored['runtime_info']),
    )
    expected = random_state()['torch']
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    assert torch.equal(random_state()['torch'], expected)
