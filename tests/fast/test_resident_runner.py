"""The same student from resident data as from any loader, to the last bit."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS, RUNNERS
from mmpretrain.models.heads import LinearClsHead
from small_runs import PACK, assert_same_weights, config, history, train

from mcmi_plugin.errors import UserError
from mcmi_plugin.evaluation.measure import measure
from mcmi_plugin.fast import ResidentLoader
from mcmi_plugin.fast.joined_labels import looks_at_samples

VAL = [f'val/{k}' for k in ('accuracy/top1', 'accuracy/top3', 'mcmi/cmi', 'mcmi/ll')]
MIXUP = {
    'model.train_cfg': dict(augments=dict(type='Mixup', alpha=0.8)),
}


@pytest.fixture(scope='module')
def stock(tmp_path_factory):
    """mmengine's own Runner, loader and loops."""
    return train(config(tmp_path_factory.mktemp('stock'), resident=False, lean=False))


@pytest.mark.parametrize('lean', [False, True])
def test_the_same_student_and_figures(lean: bool, stock, tmp_path) -> None:
    ours = train(config(tmp_path, lean=lean, log_level='INFO'))
    assert isinstance(ours.train_dataloader, ResidentLoader)
    assert ours.train_dataloader._tensors is not None
    (log,) = tmp_path.glob('*/*.log')
    assert 'single data samples' not in log.read_text()
    assert_same_weights(ours, stock)
    for key in VAL:
        assert history(ours, key) == pytest.approx(history(stock, key), abs=1e-6)
    assert history(ours, 'train/loss') == history(stock, 'train/loss')


def test_mixed_labels_get_a_data_sample_each(tmp_path) -> None:
    runs = [
        train(config(tmp_path / str(resident), resident, lean=False, **MIXUP))
        for resident in (False, True)
    ]
    assert runs[1].model.data_preprocessor.to_onehot
    assert_same_weights(*runs)


def test_test_loop_and_loader_built_by_a_hook(stock, tmp_path) -> None:
    cfg = config(tmp_path)
    cfg.test_dataloader, cfg.test_evaluator = cfg.val_dataloader, cfg.val_evaluator
    cfg.test_cfg = {}
    runner = RUNNERS.build(cfg)
    runner.model.load_state_dict(stock.model.state_dict())
    expected = history(stock, 'val/accuracy/top1')[-1]
    assert runner.test()['accuracy/top1'] == pytest.approx(expected)
    built = runner.build_dataloader(cfg.val_dataloader)
    figures = measure(runner.model, built, 10)
    assert figures.accuracy() == pytest.approx(expected)


AUGMENTED = [
    dict(type='RandomCrop', crop_size=8, padding=2),
    dict(type='RandomFlip', prob=0.5),
    *PACK,
]


def test_resumed_after_an_epoch(tmp_path) -> None:
    changes = {
        'train_dataloader.dataset.pipeline': AUGMENTED,
        'custom_hooks': [dict(type='RandomStateHook')],  # for the dropout
    }
    through = train(config(tmp_path / 'through', **changes))
    cfg = config(tmp_path / 'again', **changes)
    cfg.resume, cfg.load_from = True, str(tmp_path / 'through/epoch_1.pth')
    torch.manual_seed(7)
    again = train(cfg)
    assert again.iter == through.iter == 10
    assert_same_weights(again, through)


def test_a_recipe_that_is_switched(tmp_path) -> None:
    """mmpretrain's hook puts another pipeline into the data set."""
    cropped = [
        dict(type='CenterCrop', crop_size=4),
        dict(type='Resize', scale=8),
        *PACK,
    ]
    recipe = dict(action_epoch=2, train_pipeline=cropped)
    hook = dict(type='mmpretrain.SwitchRecipeHook', schedule=[recipe])
    runs = [
        train(config(tmp_path / str(resident), resident, resident, custom_hooks=[hook]))
        for resident in (False, True)
    ]
    assert runs[1].train_dataloader._tensors is not None
    assert_same_weights(*runs)
    plain = train(config(tmp_path / 'plain'))
    assert history(plain, 'train/loss')[:5] == history(runs[0], 'train/loss')[:5]
    assert history(plain, 'train/loss') != history(runs[0], 'train/loss')


@MODELS.register_module()
class SampleBySample(LinearClsHead):
    """Looks for a data sample per image."""

    def _get_loss(self, cls_score, data_samples, **kwargs):
        pairs = zip(cls_score, data_samples, strict=False)
        losses = [self.loss_module(s[None], d.gt_label[:1]) for s, d in pairs]
        return dict(loss=torch.stack(losses).mean())


@HOOKS.register_module()
class Counter(Hook):
    def __init__(self) -> None:
        self.counted = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.counted.append(len(data_batch['data_samples']))


@HOOKS.register_module()
class Indifferent(Counter):
    takes_joined_labels = True


@pytest.mark.parametrize(
    ('who', 'changes'),
    [
        ('SampleBySample', {'model.head.type': 'SampleBySample'}),
        ('Counter', {'custom_hooks': [dict(type='Counter')]}),
    ],
)
def test_who_looks_at_single_samples_gets_them(who, changes, tmp_path) -> None:
    runs = [
        train(
            config(
                tmp_path / str(resident), resident, False, log_level='INFO', **changes
            )
        )
        for resident in (False, True)
    ]
    assert_same_weights(*runs)
    counted = [h.counted for r in runs for h in r.hooks if isinstance(h, Counter)]
    assert all(numbers == [16, 16, 16, 16, 6] * 2 for numbers in counted)
    for resident in (False, True):
        (log,) = (tmp_path / str(resident)).glob('*/*.log')
        line = f'{who} may look at single data samples'
        assert log.read_text().count(line) == resident


def test_who_takes_joined_labels(tmp_path) -> None:
    for name, changes, joined in (
        ('stock', {}, True),
        ('head', {'model.head.type': 'SampleBySample'}, False),
        ('hook', {'custom_hooks': [dict(type='Counter')]}, False),
        ('says so', {'custom_hooks': [dict(type='Indifferent')]}, True),
        ('mixed', MIXUP, False),
    ):
        runner = RUNNERS.build(config(tmp_path / name, **changes))
        assert (looks_at_samples(runner) is None) == joined, name


def test_unknown_loader(tmp_path) -> None:
    cfg = config(tmp_path, **{'train_dataloader.type': 'ResidentLoder'})
    with pytest.raises(UserError, match="type='ResidentLoder'.*'ResidentLoader'"):
        RUNNERS.build(cfg).train()
