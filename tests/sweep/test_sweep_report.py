"""The sweep's table, words, picture and winner."""

import argparse
import errno
import os
from unittest.mock import Mock

import pytest
from filelock import FileLock
from mmengine.config import Config

from mcmi_plugin.cells.arms import TEMPERATURE, ZERO
from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.paired import paired
from mcmi_plugin.sweep import command, report
from mcmi_plugin.whole_file import NotWritten


def row(name, scores, lmda=None, off=False):
    return dict(
        name=name,
        lmda=lmda,
        scores=scores,
        cmi=0.1,
        ll=-0.2,
        off_the_cliff=off,
        remark='off the cliff' if off else '',
        difference=paired(*map(report.by_seed, (scores, CONTROL))),
    )


CONTROL = [90.0, 92.0, 94.0]
ROWS = [
    row(ZERO, CONTROL, 0.0),
    row('MLL', [90.0, 91.0, 95.0]),
    row('MCMI, lambda = 0.1', [91.1, 92.9, 95.0], 0.1),
    row('MCMI, lambda = 2', [], 2.0, off=True),
]


def test_the_winner_may_be_a_control():
    assert report.winner_of(ROWS)['name'] == 'MCMI, lambda = 0.1'
    better = row('MLL', [99.0, 99.0, 99.0])
    assert report.winner_of([*ROWS, better])['name'] == 'MLL'
    fallen = row('MCMI, lambda = 3', [99.5, 99.5, 99.5], 3.0, off=True)
    assert report.winner_of([*ROWS, fallen])['name'] == 'MCMI, lambda = 0.1'


def test_words_say_whether_the_difference_means_anything():
    assert 'exceeds twice its standard error' in report.verdict(ROWS[2])
    assert 'within twice' in report.verdict(ROWS[1])
    assert 'n = 1' in report.verdict(row('MCMI', [91.0], 0.1))
    assert 'control itself' in report.verdict(ROWS[0])


def test_table_shows_spread_n_and_the_cliff(capsys):
    markdown = report.print_table(ROWS)
    assert '92.00 +- 2.00' in markdown
    assert '+1.00 +- 0.06' in markdown
    line = next(line for line in markdown.splitlines() if 'lambda = 2' in line)
    assert 'off the cliff' in line
    assert 'lambda = 0' in capsys.readouterr().out


def test_the_picture_marks_the_cliff(tmp_path, monkeypatch):
    figures = []
    made = report.new_figure
    monkeypatch.setattr(report, 'new_figure', lambda *words: keep(made(*words)))

    def keep(figure):
        figures.append(figure)
        return figure

    report.draw(ROWS, str(tmp_path / 'sweep.png'))
    panels = figures[0].axes
    assert len(panels) == 3
    for panel in panels:
        upright = [line for line in panel.lines if list(line.get_xdata()) == [2.0, 2.0]]
        assert len(upright) == 1
    assert panels[0].get_legend_handles_labels()[1] == ['MLL']
    assert (tmp_path / 'sweep.png').stat().st_size > 5000


def test_the_winner_is_a_config_that_inherits(tmp_path, project):
    base = project / 'configs/mcmi/quickstart_digits.py'
    path = tmp_path / 'winner.py'
    report.write_winner(str(base), TEMPERATURE, 'words', 'train it', str(path))
    cfg = Config.fromfile(path)
    assert cfg.mcmi.form == 'none'
    assert cfg.mcmi.lmda is None
    assert cfg.mcmi.mll_epochs == 15  # the user's own
    assert cfg.train_dataloader.dataset.type == 'Digits'  # all of the training set
    assert path.read_text().startswith(
        '# Chosen by tools/sweep.py: words\n# train it\n'
    )


@pytest.fixture
def swept(tmp_path, project, monkeypatch):
    """The flags of a sweep whose trials have been run."""
    monkeypatch.setattr(command, 'run_sweep', lambda *_: None)
    monkeypatch.setattr(report, 'rows_of', lambda study: ROWS)
    monkeypatch.setattr(command, 'check_start', lambda cfg: None)  # no such file
    return argparse.Namespace(
        config=str(project / 'configs/mcmi/quickstart_digits.py'),
        cfg_options={'model.teacher_ckpt': 'mine.pth', 'mcmi.epochs': 1},
        work_dir=str(tmp_path),
        trials=6,
        seeds=1,
        range=[0.1, 0.2],
    )


def test_the_winner_is_trained_by_what_was_swept(swept, tmp_path, capsys):
    command.sweep(swept)
    winner = tmp_path / 'winner.py'
    line = (
        f'python tools/train.py {winner} --cfg-options model.teacher_ckpt=mine.pth '
        'mcmi.epochs=1'
    )
    assert capsys.readouterr().out.splitlines()[-1] == line
    assert f'# {line}\n' in winner.read_text()


def test_one_sweep_at_a_time_in_a_folder(swept, tmp_path):
    with FileLock(tmp_path / '.lock'):
        with pytest.raises(UserError, match=f'another sweep runs in {tmp_path}; '):
            command.sweep(swept)
        assert not (tmp_path / 'sweep.journal').exists()
    command.sweep(swept)
    command.sweep(swept)  # the first has let it go


@pytest.mark.parametrize('name', ['winner.py', 'sweep.md', 'sweep.json'])
def test_a_sweep_that_dies_while_it_writes_leaves_what_was(
    name, swept, tmp_path, monkeypatch
):
    (tmp_path / name).write_text('of the sweep before')
    if name == 'sweep.json':
        rows = [{**row, 'remark': object()} for row in ROWS]
        monkeypatch.setattr(report, 'rows_of', lambda study: rows)
        monkeypatch.setattr(report, 'print_table', lambda rows: '')
    else:  # no encoding has it
        monkeypatch.setattr(report, 'verdict', lambda best: '\ud800')
    if name == 'sweep.md':
        monkeypatch.setattr(report, 'write_winner', lambda *_: None)
    with pytest.raises((UnicodeEncodeError, AttributeError)):
        command.sweep(swept)
    assert (tmp_path / name).read_text() == 'of the sweep before'


def test_a_disk_that_is_full_leaves_the_picture_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / 'sweep.png'
    report.draw(ROWS, str(path))
    before = path.read_bytes()
    full = OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', Mock(side_effect=full))
    with pytest.raises(NotWritten, match=r'sweep\.png cannot be written'):
        report.draw(ROWS, str(path))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
