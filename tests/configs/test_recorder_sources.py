"""A recorder at a module that is not there, told in one line."""

import copy

import pytest
from combinations import write_config
from mmengine.config import Config
from mmengine.registry import MODELS

from mcmi_plugin.checks.sources import check_sources
from mcmi_plugin.errors import UserError


def of(model) -> Config:
    return Config(dict(model=model))


@pytest.fixture
def model(tmp_path):
    model = Config.fromfile(write_config(tmp_path, 'r56_r20', 'crd')).model
    model.teacher_ckpt = None
    return model


def test_composed_sources_exist(model) -> None:
    before = copy.deepcopy(model)
    check_sources(of(model))  # with '', the network itself, among them
    assert model == before


def test_missing_source_is_named_with_the_closest(model) -> None:
    recorders = model.distiller.teacher_recorders
    recorders.pooled.source = 'backbone.layer3.8.preactt'
    with pytest.raises(AssertionError):  # MMRazor's own, without a remedy
        MODELS.build(model)
    with pytest.raises(UserError) as caught:
        check_sources(of(model))
    line = str(caught.value)
    key = 'model.distiller.teacher_recorders.pooled.source'
    assert line.startswith(f'{key}: the teacher has no module ')
    assert "'backbone.layer3.8.preactt'; closest: backbone.layer3.8.preact," in line
    assert '\n' not in line
    teacher = MODELS.build(model.teacher)
    others = len(list(teacher.named_modules())) - 1 - 3  # the root, and those shown
    assert line.endswith(f'(and {others} more)')


def test_other_recorders_and_models_are_left_alone(model) -> None:
    model.distiller.student_recorders.weight = dict(
        type='Parameter', source='head.fc.weight'
    )
    check_sources(of(model))
    check_sources(of(model.architecture))  # no distiller at all
