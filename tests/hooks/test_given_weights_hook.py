"""``load_from`` and ``init_cfg`` of a distillation: strictly, or one line."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from small_jobs import config, job, network, same, saved
from small_runs import config as plain_config

from mcmi_plugin.errors import UserError
from mcmi_plugin.hooks.given_weights_hook import GivenWeightsHook
from mcmi_plugin.weights.filling import check_teacher_filled, watch_teacher


class Seen(Hook):
    """The weights before the first step."""

    priority = 'VERY_LOW'

    def before_train(self, runner):
        self.state = {k: v.clone() for k, v in runner.model.state_dict().items()}
        runner.train_loop.stop_training = True
        runner.train_loop._max_epochs = 0


def first_weights(folder, **options) -> dict:
    seen = Seen()
    job(folder, hooks=[seen], **options)
    return seen.state


@pytest.fixture
def files(tmp_path):
    """A teacher, a student, and distillers' checkpoints of them."""
    teacher, student = (network(tmp_path, seed).state_dict() for seed in (1, 2))
    inside = {f'teacher.{k}': v for k, v in teacher.items()}
    below = {f'architecture.{k}': v for k, v in student.items()}
    bare = {k.removeprefix('backbone.').removeprefix('head.'): v
            for k, v in student.items()}  # fmt: skip
    torch.save(bare, tmp_path / 'torchvision.pth')
    return {
        'folder': tmp_path,
        'inside': inside,
        'below': below,
        'student': saved(tmp_path / 'student.pth', student),
        'torchvision': str(tmp_path / 'torchvision.pth'),
        'teacher': saved(tmp_path / 'teacher.pth', teacher),
        'whole': saved(tmp_path / 'whole.pth', inside | below),
        'no teacher': saved(tmp_path / 'lean.pth', below),
    }


@pytest.mark.parametrize('kind', ['student', 'torchvision', 'no teacher'])
def test_a_students_file_goes_into_the_student(files, kind):
    state = first_weights(
        files['folder'],
        mcmi=None,
        load_from=files[kind],
        model__teacher_ckpt=files['teacher'],
    )
    assert same(files['below'], state) and same(files['inside'], state)


@pytest.mark.parametrize('kind', ['student', 'no teacher'])
def test_it_does_not_pass_for_a_teacher(files, kind):
    with pytest.raises(UserError, match='model.teacher_ckpt is not set'):
        job(files['folder'], mcmi=None, load_from=files[kind])


def test_a_distillers_file_fills_both_and_counts_as_the_teachers(files):
    state = first_weights(files['folder'], mcmi=None, load_from=files['whole'])
    assert same(files['below'], state) and same(files['inside'], state)


@pytest.mark.parametrize('part', ['architecture', 'teacher'])
def test_a_distillers_file_is_loaded_strictly(files, part):
    state = files['below'] | files['inside']
    del state[f'{part}.head.fc.weight']
    broken = saved(files['folder'] / 'broken.pth', state)
    with pytest.raises(UserError, match='load_from: .*1 missing .head.fc.weight'):
        job(files['folder'], mcmi=None, load_from=broken)


def test_what_differs_is_said_in_one_line_and_the_remedy_works(files):
    folder = files['folder']
    options = dict(mcmi=None, model__teacher_ckpt=files['teacher'])
    foreign = saved(folder / 'f.pth', {'encoder.weight': torch.zeros(1)})
    with pytest.raises(
        UserError, match=r'load_from: .*f.pth .*102 missing .*1 foreign'
    ):
        job(folder, load_from=foreign, **options)
    student = {k.removeprefix('architecture.'): v for k, v in files['below'].items()}
    student['head.fc.weight'] = torch.zeros(7, 32)
    student['head.fc.bias'] = torch.zeros(7)
    other = saved(folder / 'seven.pth', student)
    with pytest.raises(UserError, match='7 classes in the file, 10 in') as error:
        job(folder, load_from=other, **options)
    key, _, value = str(error.value).split(': ')[-1].rstrip(')').partition('=')
    assert key == 'model.architecture.backbone.init_cfg'
    init = eval(f'{value})')
    state = first_weights(
        folder, model__architecture__backbone__init_cfg=init, **options
    )
    backbone = {k: v for k, v in files['below'].items() if '.backbone.' in k}
    assert backbone and same(backbone, state)


def test_resume_goes_on_from_the_work_dir_or_begins_from_load_from(files):
    folder = files['folder']
    options = dict(mcmi=None, load_from=files['whole'])
    seen = Seen()  # nothing saved yet
    job(folder, resume=True, hooks=[seen], **options)
    assert same(files['below'], seen.state)
    first = job(folder, **options)
    second = job(folder, resume=True, train_cfg__max_epochs=2, **options)
    assert (first.epoch, second.epoch) == (1, 2)
    assert second.iter == 2 * first.iter  # one more epoch, not two


def test_connectors_of_another_method_begin_anew(files, monkeypatch):
    from mcmi_plugin.hooks import given_weights_hook

    lines = []
    monkeypatch.setattr(given_weights_hook, 'log_line', lines.append)
    whole = files['below'] | files['inside']
    whole['distiller.connectors.fc.weight'] = torch.zeros(3)
    path = saved(files['folder'] / 'connectors.pth', whole)
    first_weights(files['folder'], mcmi=None, load_from=path)
    assert any('fills the student and teacher' in line for line in lines)


# init_cfg: of the teacher, of its backbone, of the distiller, of the student.
PRETRAINED = dict(type='Pretrained')


def test_init_cfg_of_the_whole_teacher_is_enough(files):
    init = dict(PRETRAINED, checkpoint=files['teacher'])
    state = first_weights(files['folder'], mcmi=None, model__teacher__init_cfg=init)
    assert same(files['inside'], state)
    init = [dict(PRETRAINED, checkpoint=files['whole'])]  # a list, as mmengine takes
    state = first_weights(files['folder'], mcmi=None, model__init_cfg=init)
    assert same(files['inside'], state) and same(files['below'], state)


@pytest.mark.parametrize('with_mcmi', [False, True])
def test_a_random_head_is_an_error(files, with_mcmi):
    init = dict(PRETRAINED, checkpoint=files['teacher'], prefix='backbone.')
    options = dict(mcmi__mll_epochs=None) if with_mcmi else dict(mcmi=None)
    with pytest.raises(
        UserError,
        match=r'model.teacher.backbone.init_cfg: .*teacher.pth.*2 of its .*fc',
    ):
        job(files['folder'], model__teacher__backbone__init_cfg=init, **options)


@pytest.mark.parametrize('place', ['teacher', 'architecture', ''])
def test_an_init_cfg_that_matches_nothing_is_an_error(files, place):
    foreign = saved(files['folder'] / 'f.pth', {'encoder.weight': torch.zeros(1)})
    key = f'model.{place}.init_cfg'.replace('..', '.')
    options = {key.replace('.', '__'): dict(PRETRAINED, checkpoint=foreign)}
    if place != 'teacher':
        options['model__teacher_ckpt'] = files['teacher']
    with pytest.raises(UserError, match=f'{key}: .*f.pth'):
        job(files['folder'], mcmi=None, **options)


def test_another_model_is_loaded_as_mmengine_does(tmp_path):
    """Non-strictly: fine-tuning with another head, for example."""
    cfg = plain_config(tmp_path / 'run', resident=False, lean=False)
    cfg.load_from = saved(
        tmp_path / 'c.pth', {'head.fc.bias': torch.ones(10), 'more': torch.ones(1)}
    )
    cfg.custom_hooks = [dict(type='GivenWeightsHook')]
    runner = Runner.from_cfg(cfg)
    runner.call_hook('before_run')
    runner.load_or_resume()
    runner.call_hook('before_train')
    assert runner.model.head.fc.bias.eq(1).all()


def test_a_class_that_fills_itself_counts(tmp_path):
    model = torch.nn.Module()
    model.teacher = network(tmp_path)
    model.teacher_trainable = False
    watch_teacher(model, dict(teacher=dict(backbone=dict(pretrained=True))))
    with pytest.raises(UserError, match=r'model.teacher: .* 2 of its'):
        check_teacher_filled(model)  # a new head on a filled backbone
    model.teacher = network(tmp_path)
    watch_teacher(model, dict(teacher=dict(type='TimmClassifier', pretrained=True)))
    check_teacher_filled(model)


def test_the_hook_is_in_every_config_of_our_commands(tmp_path):
    hooks = [hook.type for hook in config(tmp_path).custom_hooks]
    assert hooks.count(GivenWeightsHook.__name__) == 1
