"""The sweep's table, words, picture and winner."""

import math

import pytest
from mmengine.config import Config
from scipy import stats

from mcmi_plugin.sweep import report
from mcmi_plugin.sweep.settings import ZERO


def row(name, scores, lmda=None, off=False):
    return dict(
        name=name,
        lmda=lmda,
        scores=scores,
        cmi=0.1,
        ll=-0.2,
        off_the_cliff=off,
        remark='off the cliff' if off else '',
        difference=report.paired(scores, CONTROL),
    )


CONTROL = [90.0, 92.0, 94.0]
ROWS = [
    row(ZERO, CONTROL, 0.0),
    row('MLL', [90.0, 91.0, 95.0]),
    row('MCMI, lambda = 0.1', [91.1, 92.9, 95.0], 0.1),
    row('MCMI, lambda = 2', [], 2.0, off=True),
]


def test_paired_difference_is_scipys():
    scores = [91.1, 92.9, 95.0]
    mean, error = report.paired(scores, CONTROL)
    assert mean / error == pytest.approx(stats.ttest_rel(scores, CONTROL).statistic)
    assert math.isnan(report.paired([91.0], [90.0])[1])
    assert report.paired([91.0], CONTROL) is None


def test_the_winner_may_be_a_control():
    assert report.winner_of(ROWS)['name'] == 'MCMI, lambda = 0.1'
    better = row('MLL', [99.0, 99.0, 99.0])
    assert report.winner_of([*ROWS, better])['name'] == 'MLL'
    fallen = row('MCMI, lambda = 3', [99.5, 99.5, 99.5], 3.0, off=True)
    assert report.winner_of([*ROWS, fallen])['name'] == 'MCMI, lambda = 0.1'


def test_words_say_whether_the_difference_means_anything():
    assert 'exceeds twice its standard error' in report.verdict(ROWS[2])
    assert 'is within twice' in report.verdict(ROWS[1])
    assert 'n = 1' in report.verdict({**ROWS[2], 'scores': [91.0]})
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
    monkeypatch.setattr(
        report, 'Figure', lambda *a, make=report.Figure, **k: keep(make(*a, **k))
    )

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
    setting = dict(form='none', lmda=None, temperature='validation')
    report.write_winner(str(base), setting, 'words', str(path))
    cfg = Config.fromfile(path)
    assert cfg.mcmi.form == 'none'
    assert cfg.mcmi.lmda is None
    assert cfg.mcmi.mll_epochs == 15  # the user's own
    assert cfg.train_dataloader.dataset.type == 'Digits'  # all of the training set
