"""The hooks with a Runner that is built in Python, by objects and without a config."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from mmengine.hooks import LoggerHook
from mmengine.model import BaseModel
from mmengine.optim import CosineAnnealingLR, OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mcmi_plugin import hooks
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import STANDARD_HOOKS


class Points(Dataset):
    def __init__(self, pipeline=lambda info: info) -> None:
        self.pipeline = pipeline

    def __len__(self) -> int:
        return 8

    def get_data_info(self, index: int) -> dict:
        return dict(inputs=torch.full((2,), float(index)), data_samples=index % 2)

    def __getitem__(self, index: int) -> dict:
        return self.pipeline(self.get_data_info(index))


class Pair(BaseModel):
    """Two networks, each with an optimizer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(2, 1), nn.Linear(2, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.one(inputs) + self.two(inputs)

    def train_step(self, data, optim_wrapper):
        losses = {}
        for name in ('one', 'two'):
            loss = getattr(self, name)(data['inputs']).square().mean()
            optim_wrapper[name].update_params(loss)
            losses[f'loss_{name}'] = loss
        return losses


def built(folder, epochs: int, resume: bool, kind: str, lr=0.01) -> Runner:
    model = Pair()
    wrappers = {
        name: OptimWrapper(
            torch.optim.SGD(getattr(model, name).parameters(), lr, momentum=0.9)
        )
        for name in ('one', 'two')
    }
    loop = dict(by_epoch=True) if kind == 'stock' else dict(type=kind)
    return Runner(
        model,
        str(folder),
        train_dataloader=DataLoader(Points(), 4, shuffle=True),
        optim_wrapper=OptimWrapperDict(**wrappers),
        param_scheduler={
            name: [CosineAnnealingLR(wrapper, T_max=epochs)]
            for name, wrapper in wrappers.items()
        },
        train_cfg=dict(max_epochs=epochs, **loop),
        default_hooks=dict(logger=LoggerHook(interval=1)),
        custom_hooks=[getattr(hooks, name)() for name in STANDARD_HOOKS],
        resume=resume,
        log_level='ERROR',
        experiment_name=f'{folder.name}-{epochs}-{resume}-{kind}',
    )


@pytest.mark.parametrize('kind', ['stock', 'LeanEpochLoop'])
def test_several_optimizers_and_no_config(kind, tmp_path):
    whole = built(tmp_path / 'a', 4, False, kind)
    whole.train()
    built(tmp_path / 'b', 2, False, kind).train()
    resumed = built(tmp_path / 'b', 4, True, kind, lr=0.02)
    assert not resumed.cfg
    resumed.train()
    for name in ('one', 'two'):
        first, second = (
            runner.message_hub.get_scalar(f'train/{name}.lr').data[0]
            for runner in (whole, resumed)
        )
        np.testing.assert_allclose(second[4:], 2 * first[4:])
        assert len(set(first)) == 4


def test_one_optimizer_less_than_before(tmp_path):
    built(tmp_path, 1, False, 'stock').train()
    runner = built(tmp_path, 2, True, 'stock')
    runner.optim_wrapper = runner.optim_wrapper['one']
    runner.param_schedulers = None
    with pytest.raises(UserError, match='holds 2 optimizers, not 1'):
        runner.train()


class Distiller(BaseModel):
    """Its teacher says of a point whether it is an odd one."""

    teacher_trainable = False

    def __init__(self) -> None:
        super().__init__()
        self.architecture = self.student = nn.Linear(2, 2)
        self.teacher = nn.Module()
        self.teacher.forward = lambda inputs, data_samples, mode: torch.stack(
            [1 - inputs[:, 0] % 2, inputs[:, 0] % 2], 1
        )

    def forward(self, inputs, data_samples=None, mode='loss'):
        return dict(loss=self.student(inputs).square().mean())


def distillation(folder, dataset, hook, resume=False, **parts) -> Runner:
    model = Distiller()
    return Runner(
        model,
        str(folder),
        train_dataloader=DataLoader(dataset, 4, collate_fn=default_collate),
        optim_wrapper=OptimWrapper(torch.optim.SGD(model.parameters(), 0.01)),
        train_cfg=dict(by_epoch=True, max_epochs=2 if resume else 1),
        custom_hooks=[hook],
        resume=resume,
        log_level='ERROR',
        experiment_name=f'{folder.name}-{resume}',
        **parts,
    )


def test_pseudo_labels(tmp_path, monkeypatch):
    class Semi(Points):
        """As much of a PseudoLabelled as the hook asks for."""

        choice = dict(seed=0)
        is_labelled = np.zeros(8, dtype=bool)
        dataset = Points()

        def set_pseudo_labels(self, labels) -> float:
            self.labels = labels
            return 100.0

    monkeypatch.setattr('mcmi_plugin.hooks.pseudo_label_hook.PseudoLabelled', Semi)
    monkeypatch.setattr(
        'mcmi_plugin.hooks.pseudo_label_hook.weights_hash', lambda state: 'hash'
    )
    test = dict(
        test_dataloader=DataLoader(Points(), 3, collate_fn=default_collate),
        test_cfg={},
        test_evaluator=[],
    )
    data = Semi()
    distillation(tmp_path / 'a', data, hooks.PseudoLabelHook(), **test).train()
    assert data.labels.tolist() == [0, 1] * 4
    path = tmp_path / 'a/pseudo_labels.json'
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, 'values': [1] * 8}))
    distillation(tmp_path / 'a', data, hooks.PseudoLabelHook(), True, **test).train()
    assert data.labels.tolist() == [1] * 8  # resumed, so they were read
    with pytest.raises(UserError, match='val_dataloader: PseudoLabelHook'):
        distillation(tmp_path / 'b', data, hooks.PseudoLabelHook()).train()


def test_no_teacher_is_made_without_a_config(tmp_path):
    hook = hooks.MCMITeacherHook(lmda=0.1)
    with pytest.raises(UserError, match='the Runner has no config'):
        distillation(tmp_path, Points(), hook).train()
    plain = SimpleNamespace(model=nn.Linear(1, 1))
    hook.before_train(plain)  # nothing to do, whatever the Runner is
