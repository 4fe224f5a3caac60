"""``save_teacher=False``: checkpoints without the teacher, never a random teacher."""

import pytest
import torch
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from pairs import batch, build, config

from mcmi_plugin.errors import UserError


@pytest.fixture
def teacher_ckpt(tmp_path):
    path = str(tmp_path / 'teacher.pth')
    torch.save({'state_dict': build(config()).teacher.state_dict()}, path)
    return path


def without_teacher(**changes) -> torch.nn.Module:
    return build(config(**changes), save_teacher=False)


def test_the_teacher_is_left_out(teacher_ckpt):
    whole = build(config(teacher_ckpt=teacher_ckpt)).state_dict()
    model = without_teacher(teacher_ckpt=teacher_ckpt)
    kept = [name for name in whole if not name.startswith('teacher.')]
    for state in (model.state_dict(), get_state_dict(model)):  # torch's, mmengine's
        assert list(state) == kept
    assert len(kept) < len(whole)
    assert len(model.teacher.state_dict()) == len(whole) - len(kept)
    wrapped = torch.nn.ModuleDict(dict(model=model)).state_dict()
    assert list(wrapped) == [f'model.{name}' for name in kept]


def test_it_is_read_back_strictly_and_in_silence(teacher_ckpt, capsys):
    model = without_teacher(teacher_ckpt=teacher_ckpt)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(state, strict=True)
    load_state_dict(model, state, strict=True)
    del state['architecture.head.fc.bias']
    with pytest.raises(RuntimeError, match='head.fc.bias'):
        model.load_state_dict(state, strict=True)


def test_a_checkpoint_with_a_teacher_is_read_as_ever(teacher_ckpt):
    whole = build(config(teacher_ckpt=teacher_ckpt)).state_dict()
    model = without_teacher()
    model.load_state_dict(whole, strict=True)
    for name, value in model.teacher.state_dict().items():
        assert torch.equal(value, whole[f'teacher.{name}'])
    model.loss(*batch())


def test_no_student_learns_from_a_random_teacher(teacher_ckpt):
    model = without_teacher()
    student = without_teacher(teacher_ckpt=teacher_ckpt).state_dict()
    model.load_state_dict(student, strict=True)  # a resume
    with pytest.raises(UserError, match='model.teacher_ckpt'):
        model.loss(*batch())
    # What the hook of mcmi does.
    weights = torch.load(teacher_ckpt, weights_only=True)['state_dict']
    model.teacher.load_state_dict(weights)
    model.loss(*batch())


def test_a_teacher_from_init_cfg_counts():
    cfg = config()
    pretrained = dict(type='Pretrained', checkpoint='teacher.pth')
    cfg['teacher']['init_cfg'] = pretrained
    assert build(cfg, save_teacher=False).teacher.given
