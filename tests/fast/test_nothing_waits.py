"""No step waits for the device: each loss, hook, metric and pass, walked on one.

What is registered is walked: a new loss or metric is here by itself, and a new hook
that acts in an iteration has to be.
"""

import inspect
from pathlib import Path

import pytest
import torch
from devices import DEVICES, Waited, on
from mmengine import registry
from mmengine.optim import OptimWrapper
from mmpretrain.structures import DataSample
from small_runs import config, train
from torch import nn

import mcmi_plugin.hooks
from mcmi_plugin.config_file import read_config
from mcmi_plugin.datasets.sent import sent
from mcmi_plugin.distill.compose import compose
from mcmi_plugin.evaluation.measure import measure
from mcmi_plugin.fast.lean_step import lean_step
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.temperature import TemperatureCurve
from mcmi_plugin.locations import CONFIGS
from mcmi_plugin.losses.cmi_arguments import BUDGETED, FORMS, REWARDS
from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss

METHODS = sorted(path.stem for path in (CONFIGS / '_base_/methods').glob('*.py'))
BATCH, CLASSES = 4, 10
# Where another test here walks it.
NOT_IN_A_METHOD = {'CMILoss'}


def registered(kind: str) -> dict[str, type]:
    """This package's own, by name."""
    found, registries = {}, [getattr(registry, kind)]
    while registries:
        one = registries.pop()
        registries += one.children.values()
        found |= {
            name: part
            for name, part in one.module_dict.items()
            if part.__module__.startswith('mcmi_plugin.')
        }
    return found


def losses() -> list[str]:
    return [
        name
        for name, kind in registered('MODELS').items()
        if kind.__module__.startswith('mcmi_plugin.losses.')
    ]


def config_of(method: str) -> dict:
    """From ResNet-14 to ResNet-8, of ten classes."""
    models = CONFIGS / '_base_/models/cifar'
    pair = dict(
        teacher=str(models / 'resnet14.py'), student=str(models / 'resnet8.py'),
        teacher_ckpt=None, num_classes=CLASSES, dkd_beta=2.0, reviewkd_weight=1.0,
    )  # fmt: skip
    if method.endswith('_imagenet'):
        pair['input_shape'] = (3, 32, 32)
    own = read_config(str(CONFIGS / f'_base_/methods/{method}.py')).method
    model = compose(pair, own)
    model.pop('_delete_', None)
    return model | dict(type='LeanDistill', teacher_ckpt=None)


def batch(place=None) -> dict:
    """As a loader gives it; on a device, as a resident loader does."""
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8)
    labels, indices = torch.arange(BATCH), torch.arange(BATCH)
    if place is not None:
        images, labels, indices = map(place.tensor, (images, labels, indices))
    samples = [
        DataSample(metainfo=dict(sample_idx=index)).set_gt_label(label)
        for index, label in zip(indices.split(1), labels.split(1), strict=True)
    ]
    return dict(inputs=images, data_samples=samples)


def sgd(model: nn.Module) -> OptimWrapper:
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.1, momentum=0.9)
    return OptimWrapper(optimizer, clip_grad=dict(max_norm=1.0))


def walk(model: nn.Module, device: str, moved=lambda place: None) -> None:
    """A step for real, which may look at what it likes, and others that may not."""
    model.train()
    lean_step(model, batch(), sgd(model))
    with on(device) as place:
        optimizer = sgd(place.move(model))
        moved(place)
        # Where all is fake, so are tensors on the CPU: nobody could look at an index.
        given = [batch(place)] if place.fake else [batch(), batch(place)]
        for one in given:
            out = lean_step(model, sent(one, place.device, join=True), optimizer)
            assert {value.device.type for value in out.values()} == {device}
            assert len(out) >= 2 and 'grad_norm' in out


@pytest.fixture(scope='module')
def model_of():
    """One of each for all tests; what moves it builds it anew."""

    def build(method: str) -> nn.Module:
        cfg = config_of(method)
        for loss in cfg['distiller']['distill_losses'].values():
            if 'num_negatives' in loss:
                loss['num_negatives'] = 16
        preprocessor = dict(type='ClsDataPreprocessor', mean=[100], std=[50])
        cfg['data_preprocessor'] = dict(preprocessor, _scope_='mmpretrain')
        with registry.MODELS.switch_scope_and_registry('mmrazor') as models:
            model = models.build(cfg)
        for part in model.modules():
            if isinstance(part, CRDContrastLoss):
                part.prepare(torch.arange(20) % CLASSES)
        return model

    return build


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('method', METHODS)
def test_a_step_of_a_method(method: str, device: str, model_of) -> None:
    walk(model_of(method), device)


@pytest.mark.parametrize('name', sorted({*losses()} - NOT_IN_A_METHOD))
def test_every_loss_is_in_a_method(name: str) -> None:
    used = {
        loss['type'].rpartition('.')[2]
        for method in METHODS
        for loss in config_of(method)['distiller']['distill_losses'].values()
    }
    assert name in used, 'nobody walks it: add its method, or a test of its own'


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    'loss',
    [
        *[dict(form=form) for form in FORMS],
        *[dict(reward=reward) for reward in REWARDS],
        dict(lmda=0.0),
    ],
    ids=lambda loss: '-'.join(map(str, loss.values())),
)
def test_a_step_of_a_teacher(loss: dict, device: str) -> None:
    cfg = read_config(str(CONFIGS / '_base_/models/cifar/resnet8.py')).model
    lmda = None if loss.get('form') in BUDGETED else 0.1
    own = dict(type='CMILoss', lmda=lmda, num_classes=CLASSES) | loss
    if lmda is None:
        own['eps'] = 0.1
    cfg.head.update(num_classes=CLASSES, loss=own)
    cfg.data_preprocessor = dict(type='ClsDataPreprocessor', mean=[100], std=[50])
    with registry.MODELS.switch_scope_and_registry('mmpretrain') as models:
        model = models.build(cfg)
    part = model.head.loss_module
    part.set_centroids(torch.full((CLASSES, CLASSES), 1 / CLASSES).log())
    part.old = torch.zeros(BATCH, CLASSES), part.log_centroids
    if part.controller is not None:
        part.controller.start(1.0, 10)

    def moved(place) -> None:
        part.statistics = ClassStatistics(CLASSES, place.device, track_tail=False)
        old = place.tensor(torch.zeros(BATCH, CLASSES))
        part.old = (old, part.log_centroids)

    walk(model, device, moved)


@pytest.mark.parametrize('device', DEVICES)
def test_one_hot_labels(device: str) -> None:
    loss = registry.MODELS.build(dict(type='CMILoss', lmda=0.0, num_classes=CLASSES))
    one_hot = torch.eye(CLASSES)[:BATCH]
    loss(torch.zeros(BATCH, CLASSES), one_hot)
    with on(device) as place:
        loss = place.move(loss)
        found = loss(place.tensor(torch.zeros(BATCH, CLASSES)), place.tensor(one_hot))
        assert found.device.type == device


class Walked(Exception):
    """The batches are at their end, and what follows may wait."""


class Batches:
    """A loader whose last batch never comes."""

    def __init__(self, loader, batches) -> None:
        self.dataset, self.sampler = loader.dataset, loader.sampler
        self.batch_sampler, self.batches = loader.batch_sampler, batches

    def __len__(self) -> int:
        return 1000

    def __iter__(self):
        yield from self.batches
        raise Walked


def act_in_an_iteration() -> set[str]:
    return {
        name
        for name, hook in registered('HOOKS').items()
        if any(stage.endswith('_train_iter') for stage in vars(hook))
    }


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A Runner after an epoch of every hook that acts in an iteration."""
    folder = tmp_path_factory.mktemp('walked')
    loss = dict(type='CMILoss', lmda=0.0, num_classes=CLASSES)
    hooks = [dict(type=name) for name in sorted(act_in_an_iteration())]
    assert inspect.ismodule(mcmi_plugin.hooks) and len(hooks) >= 2
    changes = {
        'model.head.loss': loss,
        'custom_hooks': [*hooks, dict(type='EMAHook')],
        'default_hooks.logger.interval': 1000,  # when the log is due, it may wait
        'optim_wrapper.clip_grad': dict(max_norm=1.0),
        'param_scheduler': [dict(type='PolyLR', end=100, by_epoch=False)],
        'val_evaluator': [dict(type=name) for name in registered('METRICS')],
    }

    def run():
        return train(config(Path(folder), **changes))

    return run


def small_batch(place) -> dict:
    images = torch.randint(256, (BATCH, 3, 8, 8), dtype=torch.uint8)
    sample = DataSample().set_gt_label(place.tensor(torch.arange(BATCH)))
    return dict(inputs=place.tensor(images), data_samples=[sample])


@pytest.mark.parametrize('device', DEVICES)
def test_the_loop_with_its_hooks_and_the_metrics(device: str, trained) -> None:
    runner = trained()
    model, loop = runner.model, runner.train_loop
    with on(device) as place:
        place.move(model)
        for hook in runner.hooks:
            hook.statistics = None  # CMIMonitorHook's are on the CPU
            if hasattr(hook, 'ema_model'):
                averaged = place.move(hook.ema_model)
                if hasattr(
                    averaged, 'avg_parameters'
                ):  # known by name since it was made
                    averaged.avg_parameters = dict(averaged.module.named_parameters())
                hook.ema_model.steps = torch.tensor(0)  # which stays on the CPU
        runner.optim_wrapper.optimizer = sgd(model).optimizer
        batches = [small_batch(place) for _ in range(3)]
        loop.dataloader = Batches(loop.dataloader, batches)
        with pytest.raises(Walked):
            loop.run_epoch()
        validation = runner.val_loop
        validation.dataloader = Batches(validation.dataloader, batches)
        with pytest.raises(Walked):
            validation.run()
        with pytest.raises(Walked):
            measure(model, validation.dataloader, CLASSES)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('kind', [ClassStatistics, TemperatureCurve])
def test_statistics(kind: type, device: str) -> None:
    with on(device) as place:
        statistics = kind(CLASSES, device=place.device)
        logits = place.tensor(torch.zeros(BATCH, CLASSES))
        statistics.update(logits, place.tensor(torch.arange(BATCH)))
        sums = [v for v in vars(statistics).values() if isinstance(v, torch.Tensor)]
        assert all(value.device.type == device for value in sums)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    'waits',
    [
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: x[x > 0],
        lambda x: x.cpu(),
        lambda x: bool(x.any()),
        lambda x: x + torch.ones(len(x)),
        lambda x: torch.ones(len(x)).to(x.device),
        lambda x: x[torch.tensor([0])],
        lambda x: x.nonzero(),
    ],
)
def test_what_waits_is_seen(waits, device: str) -> None:
    """Or the tests above would show nothing."""
    with on(device) as place, pytest.raises((RuntimeError, Waited)):
        waits(place.tensor(torch.ones(3)))
