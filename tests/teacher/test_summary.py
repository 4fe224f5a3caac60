"""The table and the picture that a distillation ends in."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from PIL import Image

from mcmi_plugin.report.run_sections import teacher_blocks
from mcmi_plugin.shown.tables import plain_metrics, print_metrics
from mcmi_plugin.teacher.summary import write_summary

FIGURES = dict(ll=-0.5, cmi=0.25, entropy=0.1, accuracy=80.0, num_samples=10)
HISTORY = [dict(epoch=i, cmi=0.1 * i, ll=-1 / i) for i in range(1, 4)]


def provenance(**changes):
    after = {**FIGURES, 'cmi': 0.375}
    figures = dict(
        lmda=0.2,
        before=dict(train=FIGURES, val=dict(FIGURES, accuracy=71.5)),
        after=dict(train=after, val=dict(FIGURES, accuracy=70.25)),
        history=HISTORY,
        base=dict(source='r34.pth', history=None),
    )
    return {**figures, **changes}


@pytest.fixture
def runner(request):
    hub = MessageHub.get_instance(request.node.name)
    hub.update_scalar('val/accuracy/top1', 66.0)
    hub.update_scalar('val/accuracy/top1', 68.5)
    return SimpleNamespace(message_hub=hub)


def test_rows_columns_and_files(runner, tmp_path, capsys):
    control = provenance(after=dict(train=dict(FIGURES, cmi=0.125), val={}))
    write_summary(runner, provenance(), control, str(tmp_path))
    rows = json.loads((tmp_path / 'summary.json').read_text())
    assert rows == [
        dict(model='teacher, MLL', accuracy=71.5, ll=-0.5, cmi=0.25),
        dict(model='teacher, lambda = 0 (control)', accuracy=None, ll=-0.5, cmi=0.125),
        dict(model='teacher, MCMI', accuracy=70.25, ll=-0.5, cmi=0.375),
        dict(model='student', accuracy=68.5, ll=None, cmi=None),
    ]
    table = re.sub(' +', ' ', (tmp_path / 'summary.md').read_text())
    assert '| teacher, MCMI | 70.25 | -0.5000 | 0.3750 |' in table
    assert 'n = 1' in table and 'lambda 0.2' in table
    assert '70.25' in capsys.readouterr().out
    with Image.open(tmp_path / 'curves.png') as picture:
        assert len(set(picture.convert('L').getdata())) > 10  # something is drawn


def test_without_control_validation_or_history(runner, tmp_path):
    runner.message_hub = MessageHub.get_instance('nothing was validated')
    bare = dict(train=FIGURES)
    write_summary(
        runner, provenance(before=bare, after=bare), None, str(tmp_path / 'new')
    )
    rows = json.loads((tmp_path / 'new/summary.json').read_text())
    assert [row['accuracy'] for row in rows] == [None, None, None]


@pytest.mark.parametrize(
    'changes, names, words',
    [
        (
            dict(form='budget', eps=0.02, lmda=None),
            ['teacher, MLL', 'teacher, MCMI'],
            'budget 0.02 nats',
        ),
        (
            dict(form='ema'),
            ['teacher, MLL', 'teacher, MCMI'],
            'lambda 0.2, centroids follow the model',
        ),
        (
            dict(reward='entropy', temperature=2.0),
            ['teacher, MLL', 'teacher, entropy raised, T = 2'],
            'lambda 0.2, logits divided by 2',
        ),
        (
            dict(cliff=dict(epochs=[2, 3], reason='why')),
            ['teacher, MLL', 'teacher, MCMI (off the cliff)'],
            'lambda 0.2, off the cliff in epochs 2 to 3',
        ),
        (
            dict(cliff=dict(epochs=[3], reason='why'), stopped_after=2),
            ['teacher, MLL', 'teacher, MCMI'],  # which is that of a good epoch
            'off the cliff in epoch 3, the teacher of epoch 2 kept',
        ),
        (
            dict(worse_than_guessing=True),
            ['teacher, MLL', 'teacher, MCMI'],
            'the teacher was worse than guessing at the start',
        ),
        (
            dict(base=dict(source='epoch_1.pth', history=None, stage='unfinished')),
            ['teacher, as given', 'teacher, MCMI'],
            'lambda 0.2',
        ),
        (dict(form='none', history=[]), ['teacher, MLL'], 'no fine-tune'),
        (
            dict(
                form='none',
                temperature=1.5,
                history=[],
                base=dict(source='r34.pth', history=HISTORY, kept_epoch=7),
            ),
            ['teacher, MLL', 'teacher, MLL, T = 1.5'],
            'MLL stopped early, at epoch 7',
        ),
    ],
)
def test_every_form_has_its_name(runner, tmp_path, changes, names, words):
    made = provenance(**changes)
    write_summary(runner, made, None, str(tmp_path))
    rows = json.loads((tmp_path / 'summary.json').read_text())
    assert [row['model'] for row in rows] == [*names, 'student']
    assert (
        rows[-2]['cmi'] == made['after' if len(names) > 1 else 'before']['train']['cmi']
    )
    assert words in (tmp_path / 'summary.md').read_text()
    drawn = bool(made['history'] or made['base']['history'])
    assert (tmp_path / 'curves.png').is_file() == drawn


def test_the_page_of_a_run_says_why_it_is_off_the_cliff(tmp_path):
    def texts(**changes):
        run = SimpleNamespace(
            teacher=dict(mcmi=provenance(**changes)),
            accuracy=None,
            folder=tmp_path,
            record=None,
        )
        return [vars(block) for block in teacher_blocks(run)]

    why = 'training accuracy fell'
    shown = str(texts(cliff=dict(epochs=[3], reason=why)))
    assert f'The fine-tune went off the cliff in epoch 3: {why}.' in shown
    assert 'cliff' not in str(texts())


def test_metrics_of_every_shape_are_printed_and_written(capsys):
    metrics = {
        'accuracy/top1': 12.5,
        'single-label/f1-score_classwise': [50.0, np.float32(25.0)],
        'confusion_matrix/result': torch.tensor([[3, 1], [0, 4]]),
        'epochs': 3,
        'nothing': None,
    }
    print_metrics('many', {'recall': [1.0] * 1000})
    assert '1000 of them; --out FILE' in capsys.readouterr().out
    plain = plain_metrics(metrics)
    assert json.loads(json.dumps(plain)) == {
        'accuracy/top1': 12.5,
        'single-label/f1-score_classwise': [50.0, 25.0],
        'confusion_matrix/result': [[3, 1], [0, 4]],
        'epochs': 3,
        'nothing': None,
    }
    print_metrics('title', metrics)
    printed = capsys.readouterr().out
    assert '12.5000' in printed and '50.0000 25.0000' in printed
    assert '3 1' in printed and '0 4' in printed
