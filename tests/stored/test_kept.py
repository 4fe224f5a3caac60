"""What of a teacher can be kept is found by looking; else the teacher answers."""

import copy

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import MODELS, TRANSFORMS
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.models.utils.batch_augments import RandomBatchAugment
from small import (
    KD,
    VIEWS,
    assert_same,
    build,
    config,
    distiller,
    teacher_file,
    train,
)

from mcmi_plugin.fast.known import NotKept
from mcmi_plugin.isolation import isolated
from mcmi_plugin.stored.kept import find_kept
from mcmi_plugin.stored.options import StoreOptions, read_options


def at(source, kind='ModuleOutputs', **indices):
    loss = dict(type='L2Loss')
    names = 's_feature', 't_feature'
    return distiller(loss, dict(type=kind, source=source), names, **indices)


def found_in(tmp_path, distiller, number=4, **changes):
    runner = build(
        config(tmp_path / 'run', teacher_file(tmp_path), distiller=distiller, **changes)
    )
    runner.model.train()
    images = torch.rand(number, 3, 8, 8)
    loader = runner.build_dataloader(runner.cfg.train_dataloader)
    samples = [loader.dataset[i]['data_samples'] for i in range(number)]
    return find_kept(runner.model.teacher, runner.model.distiller, images, samples)


@pytest.mark.parametrize(
    'distiller, needs, kind',
    [
        (KD, {'logits'}, 'logits'),  # 10 of them, of 16 features
        (at('neck', data_idx=0), {'features'}, 'features'),
        (at('neck.gap'), {'features'}, 'features'),  # [B, D, 1, 1]
        (at('head.fc', 'ModuleInputs', data_idx=0), {'features'}, 'features'),
        (at('head'), {'logits'}, 'logits'),
    ],
)
def test_what_is_kept(tmp_path, distiller, needs, kind):
    kept = found_in(tmp_path, distiller)
    assert kept.needs == needs and kept.choose(exact=False) == kind
    assert kept.widths == dict(logits=10, features=16)
    assert kept.choose(exact=True) == 'features'


def test_the_losses_of_a_step_are_no_logits(tmp_path):
    with pytest.raises(NotKept, match='the whole network, which a loss sees otherwise'):
        found_in(tmp_path, at(''))


@MODELS.register_module()
class UpsideDown(ClsDataPreprocessor):
    def forward(self, data, training=False):
        found = super().forward(data, training)
        return dict(found, inputs=found['inputs'].flip(2))


WIDE = dict(type='StackedLinearClsHead', mid_channels=[8], dropout_rate=0.5)
OF_HEAD = copy.deepcopy(KD)
OF_HEAD['teacher_recorders'] = dict(it=dict(type='ModuleOutputs', source='head'))
LINES = {
    'a map': (dict(distiller=at('backbone.layer3')), 'has backbone.layer3, which is'),
    'of an input': (
        dict(distiller=at('neck.gap', 'ModuleInputs', data_idx=0)),
        'has neck.gap, which is neither',
    ),
    'resized crops': (
        dict(pipeline=[dict(type='RandomResizedCrop', scale=8), VIEWS[2]]),
        'teacher_store.views=50',
    ),
    'jitter': (
        dict(pipeline=[dict(type='ColorJitter', brightness=0.4), VIEWS[2]]),
        'the transform ColorJitter',
    ),
    'mixed': (
        {
            'model.data_preprocessor.batch_augments': dict(
                augments=dict(type='Mixup', alpha=0.8)
            )
        },
        'mixed images',
    ),
    'own preprocessor': (
        {'model.data_preprocessor.type': 'UpsideDown'},
        'a data_preprocessor of its own (UpsideDown)',
    ),
    'norms': ({'model.teacher_norm_eval': False}, 'changes its statistics in a step'),
    'trained': (
        {'model.teacher_trainable': True, 'optim_wrapper.optimizer.lr': 1e-5},
        'a teacher that is trained',
    ),
    'dropout': (
        {'distiller': OF_HEAD, 'model.teacher.head': WIDE},
        'draws random numbers',
    ),
}


@pytest.mark.parametrize('case', LINES)
def test_else_the_teacher_answers_and_one_line_says_why(tmp_path, case, capfd):
    changes, line = LINES[case]
    changes = copy.deepcopy(changes)
    teacher = teacher_file(tmp_path)
    if case == 'dropout':
        teacher = None
    student, answers = train(tmp_path / 'one', teacher, {}, log_level='INFO', **changes)
    assert answers is None and not (tmp_path / 'teacher_outputs').exists()
    said = [x for x in capfd.readouterr().out.splitlines() if 'teacher_store' in x]
    assert len(said) == 1 and line in said[0]
    if teacher:
        live, _ = train(tmp_path / 'live', teacher, **changes)
        assert_same(student, live)


def test_a_disk_without_room_is_one_line(tmp_path, monkeypatch, capfd):
    usage = lambda path: type('Usage', (), dict(free=10_000))  # noqa: E731
    monkeypatch.setattr('shutil.disk_usage', usage)
    _, answers = train(tmp_path / 'one', teacher_file(tmp_path), {}, log_level='INFO')
    assert answers is None
    said = capfd.readouterr().out
    assert 'over half of the 10 kB that are left in' in said


def another_pipeline(runner):
    pipeline = runner.train_dataloader.dataset.pipeline
    pipeline.transforms = [TRANSFORMS.build(dict(type='mmpretrain.PackInputs'))]


def mixed_images(runner):
    mix = RandomBatchAugment(dict(type='Mixup', alpha=1.0))
    runner.model.data_preprocessor.batch_augments = mix


class Switch(Hook):
    def __init__(self, change):
        self.change = change

    def before_train_epoch(self, runner):
        if runner.epoch == 1:
            self.change(runner)


class Negative(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        data_batch['inputs'] = 255 - data_batch['inputs']


@pytest.mark.parametrize(
    'hook, asked',
    [(Switch(another_pipeline), 90), (Switch(mixed_images), 90), (Negative(), None)],
)
def test_other_images_in_the_middle_are_answered_by_the_teacher(tmp_path, hook, asked):
    """No row is read or written for other images than the store's."""
    soft = {'model.data_preprocessor.to_onehot': True}
    loss = dict(type='CrossEntropyLoss', use_soft=True)
    soft |= {f'model.{n}.head.loss': loss for n in ('architecture', 'teacher')}
    teacher, students = teacher_file(tmp_path), []
    for name, store in (('live', None), ('stored', dict(dtype='float32'))):
        with isolated():
            runner = build(config(tmp_path / name, teacher, store, **soft))
            runner.register_hook(hook)
            runner.train()
        students.append(runner.model.architecture.state_dict())
    assert_same(*students)
    (store,) = (h for h in runner.hooks if type(h).__name__ == 'TeacherStoreHook')
    assert (store.answers and store.answers.asked) == asked
    if asked is None:
        assert 'a hook that may change a batch (Negative.before' in store.reason


def test_validation_asks_the_teacher(tmp_path):
    teacher = teacher_file(tmp_path)
    _, answers = train(tmp_path / 'one', teacher, {})
    model, images = answers.model, torch.rand(4, 3, 8, 8)
    assert model.teacher(images, mode='tensor').shape == (4, 10)
    answers.begin()
    asked = answers.asked
    assert model.teacher(images, mode='tensor').shape == (4, 10)
    assert answers.asked == asked


def test_the_options():
    assert read_options(None) is read_options(False) is None
    assert read_options(True) == {} and read_options(dict(seed=1)) == dict(seed=1)
    assert StoreOptions(mean='one').mean == ('one',)
