"""The table and the picture that a distillation ends in."""

import json
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub
from PIL import Image

from mcmi_plugin.report.summary import write_summary

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
    table = (tmp_path / 'summary.md').read_text()
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
