"""How far a student is from its teacher, and what the report says of a store."""

import json
from types import SimpleNamespace

import pytest
import torch
from small import (
    build,
    config,
    teacher_file,
    train,
)

from mcmi_plugin.datasets.subset import pipeline_of
from mcmi_plugin.report.run_origin import stored_blocks
from mcmi_plugin.stored import agreement
from mcmi_plugin.stored.views import record_views, views_of


@pytest.fixture
def teacher(tmp_path):
    return teacher_file(tmp_path)


def test_student_and_teacher_are_compared_at_the_end(tmp_path, teacher):
    _, answers = train(tmp_path / 'one', teacher, dict(dtype='float32'))
    record = json.loads((tmp_path / 'one' / agreement.RECORD).read_text())
    there = answers.table.count()
    assert record['rows'] == there < 180  # all of them
    assert (record['asked'], record['found']) == (180, answers.found)
    logits = torch.tensor([[2.0, 0, 1], [0, 3, 0]]), torch.tensor([[1.0, 0, 0]] * 2)
    student, model = logits
    found = agreement.compare(student, model)
    p, q = model.softmax(1), student.softmax(1)
    assert found['agreement'] == 50
    assert found['kl'] == pytest.approx(float((p * (p / q).log()).sum(1).mean()))
    # Of the teacher with itself there is nothing to tell.
    answers.model.architecture.load_state_dict(answers.model.teacher.state_dict())
    runner = build(config(tmp_path / 'again', teacher))
    dataset = runner.build_dataloader(runner.cfg.train_dataloader).dataset
    record_views(pipeline_of(dataset), views_of(dataset))
    same = agreement.look(answers, dataset)
    assert same['agreement'] == 100 and same['kl'] < 1e-9 and same['rows'] == there


def test_the_report_says_so(tmp_path, teacher):
    run = SimpleNamespace(folder=tmp_path / 'one')
    _, answers = train(run.folder, teacher, dict(dtype='float32'))
    record = json.loads((run.folder / agreement.RECORD).read_text())
    (block,) = stored_blocks(run)
    share = 100 * answers.found / 180
    assert f'asked for 180 answers, and {share:.1f} % of them were stored' in block.text
    assert str(answers.table.path.parent) in block.text
    assert f'On {answers.table.count()} of the stored views' in block.text
    assert f"the teacher's class in {record['agreement']:.1f} %" in block.text
    assert f'KL(teacher || student) is {record["kl"]:.4f} nats' in block.text
    # Of a student of other classes there is nothing to compare.
    for key in ('rows', 'agreement', 'kl'):
        del record[key]
    (run.folder / agreement.RECORD).write_text(json.dumps(record))
    (block,) = stored_blocks(run)
    assert block.text.endswith(f'({answers.table.path.parent}).')
    assert stored_blocks(SimpleNamespace(folder=tmp_path)) == []
