"""A recorded step takes the teacher's rows as it takes images."""

import pytest
from graph_stand_in import stand_in_for_a_gpu
from small import assert_same, teacher_file, train

from mcmi_plugin.fast.step_graph import WARM_UP


@pytest.mark.parametrize('filled', [False, True])
def test_the_same_student_as_with_the_live_teacher(tmp_path, monkeypatch, filled):
    teacher, store = teacher_file(tmp_path), dict(dtype='float32')
    changes = {'fast': True, 'train_cfg.max_epochs': 3, 'images': 64}
    if filled:
        train(tmp_path / 'first', teacher, store, **changes)
    recorders = stand_in_for_a_gpu(monkeypatch)
    changes['train_cfg.graph'] = True
    live, _ = train(tmp_path / 'live', teacher, **changes)
    student, answers = train(tmp_path / 'stored', teacher, store, **changes)
    assert_same(student, live)
    counts = [(recorder.recordings, recorder.replays) for recorder in recorders]
    assert counts == [(1, 12 - WARM_UP)] * 2
    assert answers.asked == 3 * 64 and (answers.found == answers.asked) == filled
