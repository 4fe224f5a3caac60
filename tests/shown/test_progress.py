"""A bar on a terminal, and lines where there is none."""

import io

from rich.console import Console

from mcmi_plugin.shown import progress


def test_lines_where_there_is_no_terminal(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
    written = io.StringIO()
    with progress.counting(Console(file=written), 1000) as advance:
        for _ in range(9):
            now[0] += 10
            advance('training set', 100)
        assert written.getvalue().splitlines() == [
            'training set: 300 of 1000 samples, about 0:01:10 left',
            'training set: 600 of 1000 samples, about 0:00:40 left',
            'training set: 900 of 1000 samples, about 0:00:10 left',
        ]


def test_a_bar_on_a_terminal():
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80)
    with progress.counting(console, 20) as advance:
        advance('held-out data', 20)
    assert '20/20' in written.getvalue()
    assert 'held-out data' in written.getvalue()
