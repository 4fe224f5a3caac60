"""What a training has logged, over resumed, restarted and killed parts."""

import json
import time
from types import SimpleNamespace

from mcmi_plugin.report.scalars import read_scalars
from mcmi_plugin.trainings import files_in_order, note_begin

PER_EPOCH = 10


def train(epoch, loss=1.0):
    step = PER_EPOCH * epoch
    return dict(loss=loss, epoch=epoch, iter=step, step=step)


def val(epoch, accuracy=50.0):
    return {'accuracy/top1': accuracy, 'step': epoch}


def write(work_dir, part, records, torn=''):
    folder = work_dir / part / 'vis_data'
    folder.mkdir(parents=True)
    text = ''.join(json.dumps(record) + '\n' for record in records)
    (folder / 'scalars.json').write_text(text + torn)


def test_nothing_logged(tmp_path):
    found = read_scalars(tmp_path)
    assert (found.train, found.val, found.by_epoch) == ([], [], True)


def test_a_torn_last_line_is_left_out(tmp_path):
    torn = json.dumps(train(2))[:20]
    write(tmp_path, '1', [train(1), val(1)], torn)
    found = read_scalars(tmp_path)
    assert (found.train, found.val) == ([train(1)], [val(1)])


def test_what_a_resumed_part_did_again_counts_once(tmp_path):
    first = [train(1), val(1), train(2), val(2), train(3)]  # killed in epoch 4
    again = [train(2, 0.5), val(2, 60.0), train(3, 0.5), val(3, 70.0)]
    write(tmp_path, '20260101_000000', first)
    write(tmp_path, '20260101_000001', again)
    found = read_scalars(tmp_path)
    assert found.train == [train(1), train(2, 0.5), train(3, 0.5)]
    assert found.val == [val(1), val(2, 60.0), val(3, 70.0)]


def test_a_new_start_throws_the_old_one_away(tmp_path):
    write(tmp_path, '1', [train(1), val(1), train(2), val(2)])
    write(tmp_path, '2', [train(1, 0.5)])  # not yet validated
    found = read_scalars(tmp_path)
    assert (found.train, found.val) == ([train(1, 0.5)], [])


def test_a_validation_alone_takes_nothing_away(tmp_path):
    """ResumeValidationHook, of a run that was killed before a validation."""
    write(tmp_path, '1', [train(1), val(1), train(2)])
    write(tmp_path, '2', [val(2, 60.0), train(3)])
    found = read_scalars(tmp_path)
    assert found.train == [train(1), train(2), train(3)]
    assert found.val == [val(1), val(2, 60.0)]


def test_accuracy_by_whichever_name_there_is(tmp_path):
    both = {'student.accuracy/top1': 40.0, 'teacher.accuracy/top1': 90.0, 'step': 1}
    write(tmp_path, '1', [both])
    assert read_scalars(tmp_path).validated() == [(1, 40.0)]
    assert read_scalars(tmp_path).validated(('no such',)) == []


def test_by_iterations(tmp_path):
    record = dict(loss=1.0, iter=5, step=5)
    write(tmp_path, '1', [record, {'accuracy/top1': 1.0, 'step': 5}])
    assert not read_scalars(tmp_path).by_epoch


def test_parts_are_in_the_order_in_which_they_began(tmp_path):
    """Whatever their folders' names, which are of the local time, say."""
    for part, epochs in (('20260101_090000', 3), ('20260101_000000', 2)):
        runner = SimpleNamespace(log_dir=tmp_path / part, work_dir=tmp_path)
        write(tmp_path, part, [train(epoch) for epoch in range(1, epochs + 1)])
        note_begin(runner)
    assert read_scalars(tmp_path).train == [train(1), train(2)]
    paths = files_in_order(tmp_path, 'scalars.json')
    assert [path.parts[-3] for path in paths] == ['20260101_090000', '20260101_000000']


def test_a_clock_that_was_set_back(tmp_path, monkeypatch):
    for part, nanoseconds in (('a', 7000), ('b', 5000), ('c', 5001)):
        monkeypatch.setattr(time, 'time_ns', lambda now=nanoseconds: now)
        write(tmp_path, part, [])
        note_begin(SimpleNamespace(log_dir=tmp_path / part, work_dir=tmp_path))
    paths = files_in_order(tmp_path, 'scalars.json')
    assert [path.parts[-3] for path in paths] == ['a', 'b', 'c']
