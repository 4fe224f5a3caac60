"""Every network of a distiller sees images that its own preprocessor has normalised."""

import pytest
import torch
from conftest import PROJECT
from mmengine.config import Config
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from mmrazor.engine import SingleTeacherDistillValLoop

from mcmi_plugin import normalisation as images
from mcmi_plugin.teacher.model import _preprocessor, teacher_model

HALF = dict(type='mmpretrain.ClsDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)
TEACHERS = dict(
    type='mmpretrain.ClsDataPreprocessor',
    mean=[123.7, 116.3, 103.5],
    std=[58.4, 57.1, 57.4],
    to_rgb=True,
)
MMENGINES = dict(
    type='ImgDataPreprocessor',
    mean=[103.5, 116.3, 123.7],
    std=[57.4, 57.1, 58.4],
    rgb_to_bgr=True,
)
RAW = dict(type='mmpretrain.ClsDataPreprocessor', mean=[0] * 3, std=[1] * 3)
KD = dict(
    type='ConfigurableDistiller',
    student_recorders=dict(fc=dict(type='ModuleOutputs', source='head.fc')),
    teacher_recorders=dict(fc=dict(type='ModuleOutputs', source='head.fc')),
    distill_losses=dict(loss_kd=dict(type='KLDivergence', tau=4)),
    loss_forward_mappings=dict(
        loss_kd=dict(
            preds_S=dict(recorder='fc', from_student=True),
            preds_T=dict(recorder='fc', from_student=False),
        )
    ),
)


def network(**more) -> dict:
    return dict(
        _scope_='mmpretrain',
        type='ImageClassifier',
        backbone=dict(type='CIFARResNet', depth=8),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=5, in_channels=64),
        **more,
    )


def config(common, own, kind='SingleTeacherDistill') -> Config:
    return Config(
        dict(
            model=dict(
                type=kind if kind == 'LeanDistill' else f'mmrazor.{kind}',
                _scope_='mmrazor',
                data_preprocessor=common,
                architecture=network(),
                teacher=network(data_preprocessor=own) if own else network(),
                distiller=KD,
            )
        )
    )


def build(common, own, kind='SingleTeacherDistill'):
    torch.manual_seed(0)
    model = MODELS.build(config(common, own, kind).model)
    model.eval()
    return model


def raw(channels=3) -> dict:
    images = torch.randint(
        256, (4, channels, 16, 16), generator=torch.Generator().manual_seed(0)
    )
    return dict(inputs=images.to(torch.uint8))


def seen_by_teacher(model, run) -> list[torch.Tensor]:
    """What arrives at the first layer of the teacher, or of a copy of it."""
    seen = []

    def note(module, inputs):
        seen.append(inputs[0].detach().clone())

    handle = model.teacher.backbone.register_forward_pre_hook(note)
    run()
    handle.remove()
    return seen


@pytest.mark.parametrize('kind', ['SingleTeacherDistill', 'LeanDistill'])
@pytest.mark.parametrize('common', [HALF, RAW, MMENGINES], ids=['cls', 'raw', 'img'])
@pytest.mark.parametrize('own', [HALF, TEACHERS, RAW], ids=['half', 'rgb', 'none'])
def test_the_teacher_sees_its_own_normalisation(common, own, kind):
    model = build(common, own, kind)
    expected = MODELS.build(own)(raw())['inputs']
    prepared = model.data_preprocessor(raw())['inputs']
    for mode in ('tensor', 'predict'):
        (seen,) = seen_by_teacher(
            model, lambda mode=mode: model.teacher(prepared, None, mode=mode)
        )
        scale = expected.abs().max()
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-5 * scale.item())


def test_in_a_step_and_in_validation_and_the_student_sees_its_own():
    model = build(HALF, TEACHERS)
    expected = MODELS.build(TEACHERS)(raw())['inputs']
    samples = [DataSample().set_gt_label(i) for i in range(4)]

    class Loop(SingleTeacherDistillValLoop):
        def __init__(self, model):  # what upstream's does to the teacher
            self.teacher = model.teacher
            self.teacher.data_preprocessor = model.data_preprocessor

    batch = dict(raw(), data_samples=samples)
    prepared = model.data_preprocessor(batch)
    (seen,) = seen_by_teacher(
        model, lambda: model.loss(prepared['inputs'], prepared['data_samples'])
    )
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-4)
    for _ in range(2):  # before a loop was built, and after it
        (seen,) = seen_by_teacher(model, lambda: model.teacher.val_step(batch))
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-4)
        Loop(model)
    students = []
    model.architecture.backbone.register_forward_pre_hook(
        lambda module, inputs: students.append(inputs[0])
    )
    model(**prepared, mode='tensor')
    assert torch.equal(students[0], MODELS.build(HALF)(raw())['inputs'])


@pytest.mark.parametrize(
    'own',
    [
        None,
        dict(TEACHERS),
        dict(TEACHERS, num_classes=5, to_onehot=True),
        dict(num_classes=5),  # says nothing about images
    ],
    ids=['none', 'equal', 'labels', 'no mean'],
)
def test_where_both_are_the_same_nothing_is_done(own):
    model = build(TEACHERS, own)
    prepared = model.data_preprocessor(raw())['inputs']
    seen = []
    model.teacher.backbone.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0])
    )
    model.teacher(prepared, None, mode='tensor')
    assert seen[0].data_ptr() == prepared.data_ptr()  # not even a copy
    assert not model.teacher._forward_pre_hooks
    # And the teacher stage's text, hence the recipe, stays what it was.
    assert (
        teacher_model(config(TEACHERS, own)).data_preprocessor
        == teacher_model(config(TEACHERS, None)).data_preprocessor
    )


def test_nothing_of_it_is_in_a_checkpoint():
    assert list(build(HALF, TEACHERS).state_dict()) == list(
        build(HALF, None).state_dict()
    )


def test_mixed_images_stay_mixed():
    """Mixing is the student's; an average of images stays one."""
    model = build(HALF, TEACHERS)
    first, second = (MODELS.build(kind)(raw())['inputs'] for kind in (HALF, TEACHERS))
    mixed = 0.3 * first + 0.7 * first.flip(0)
    (seen,) = seen_by_teacher(model, lambda: model.teacher(mixed, None))
    expected = 0.3 * second + 0.7 * second.flip(0)
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-4)


def test_one_mean_for_images_of_one_channel():
    grey = dict(type='mmpretrain.ClsDataPreprocessor', mean=[33.3], std=[78.6])
    half = dict(grey, mean=[127.5], std=[127.5])
    model = build(half, grey)
    seen = []
    model.teacher.forward = lambda inputs, *args, **kwargs: seen.append(inputs)
    model.teacher(model.data_preprocessor(raw(1))['inputs'])
    expected = MODELS.build(grey)(raw(1))['inputs']
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=1e-4)


def test_the_teacher_stage_has_the_teachers_own():
    own = teacher_model(config(HALF, dict(TEACHERS, batch_augments=None)))
    assert own.data_preprocessor.mean == TEACHERS['mean']
    assert own.data_preprocessor.to_rgb


def test_the_teachers_own_by_cfg_path():
    name = 'mmpretrain::resnet/resnet18_8xb16_cifar10.py'
    cfg = config(HALF, None)
    cfg.model.teacher = dict(cfg_path=name, pretrained=False)
    own = teacher_model(cfg).data_preprocessor
    assert own.mean == [125.307, 122.961, 113.8575]
    model = MODELS.build(cfg.model)
    prepared = model.data_preprocessor(raw())['inputs']
    (seen,) = seen_by_teacher(model, lambda: model.teacher(prepared, None))
    expected = MODELS.build(own)(raw())['inputs']
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-4)


@pytest.fixture
def said(monkeypatch):
    """What the log is told."""
    lines: list[str] = []
    monkeypatch.setattr(images, 'log_warning', lines.append)
    return lines


def test_a_published_teacher_beside_images_that_nobody_normalises(said):
    """A pipeline may have normalised them; so nothing is done, and it is said."""
    cfg = config(None, None)
    cfg.model.teacher = dict(cfg_path='mmpretrain::resnet/resnet18_8xb16_cifar10.py')
    model = MODELS.build(cfg.model)
    assert not model.teacher._forward_pre_hooks
    assert 'mean' not in teacher_model(cfg).data_preprocessor
    (line,) = said
    assert 'model.data_preprocessor=dict(mean=[0, 0, 0]' in line


@MODELS.register_module()
class OfAnotherKind(MODELS.get('BaseDataPreprocessor')):
    def forward(self, data, training=False):
        return super().forward(data, training)


def test_what_cannot_be_converted_is_said(said):
    model = build(dict(type='OfAnotherKind'), TEACHERS)
    assert not model.teacher._forward_pre_hooks
    (line,) = said
    assert 'OfAnotherKind' in line


SHIPPED = [
    path
    for folder in ('mcmi', 'distill', 'examples')
    for path in sorted((PROJECT / 'configs' / folder).glob('*.py'))
]


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_keep_the_students_words(path):
    cfg = Config.fromfile(path)
    if 'teacher' not in cfg.model:
        pytest.skip('has no teacher')
    own = teacher_model(cfg).data_preprocessor
    assert own == _preprocessor(cfg)
