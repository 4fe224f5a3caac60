"""What is printed and written of a measurement."""

import json

import pytest
from rich.console import Console

from benchmarks import results
from benchmarks.harness import Contest, Figure, Result


@pytest.fixture
def rows(monkeypatch):
    """A ratio that is met, one that is not, and a figure without a line to reach."""
    monkeypatch.setattr(results, 'REACH', {'fast': 0.5, 'slow': 0.5})

    def row(name, ours):
        fight = Contest(name, None, None, None, 'mine', 'plain', unit='step')
        return results.row(Result(fight, ours, [0.1, 0.1, 0.1]))

    return [
        row('fast', [0.05, 0.04, 0.06]),
        row('slow', [0.2, 0.05, 0.4]),
        results.row(Figure('size', 12.5, 'MB', 'how it was found')),
    ]


def test_a_row_has_median_extremes_and_verdict(rows):
    fast, slow, size = rows
    assert fast['ratio'] == 0.5 and fast['met'] is True  # at the line is met
    assert (fast['min'], fast['max']) == (pytest.approx(0.4), pytest.approx(0.6))
    assert slow['ratio'] == 2 and slow['met'] is False
    assert (slow['ours_s'], slow['baseline_s'], slow['rounds']) == (0.2, 0.1, 3)
    assert size['value'] == 12.5 and size['met'] is None


def test_lines(rows):
    fast, slow, size = (results.in_words(row).splitlines()[0] for row in rows)
    assert fast == (
        'fast: ours / baseline = 0.500 (median of 3, 0.400-0.600), reach <= 0.5: met'
    )
    assert slow.endswith('reach <= 0.5: NOT MET')
    assert size == 'size: 12.5 MB'
    assert '    50 ms per step: mine\n    100 ms per step: plain' in results.in_words(
        rows[0]
    )


@pytest.mark.parametrize(
    ('value', 'shown'),
    [(12.3, '12.3 s'), (0.0123, '12.3 ms'), (0.0000123, '12.3 us'), (1.0, '1 s')],
)
def test_seconds(value, shown):
    assert results.seconds(value) == shown


def test_images_are_counted_per_second():
    assert results.pace(0.00025, 'image') == '4000 images/s'


def test_json_says_where_and_how(rows, tmp_path, monkeypatch):
    argv = ['/somewhere/benchmarks/__main__.py', 'crd', '--out=a b']
    monkeypatch.setattr('sys.argv', argv)
    path = tmp_path / 'new folder/results.json'
    results.write_json(results.as_json(rows, threads=1), str(path))
    found = json.loads(path.read_text())
    assert found['results'] == rows
    assert found['command'] == "python -m benchmarks crd '--out=a b'"
    assert found['machine']['threads'] == 1 and found['machine']['cores'] >= 1
    assert {'python', 'torch', 'mmengine'} <= set(found['versions'])
    assert found['date'].endswith('+00:00')


def test_tables_show_every_row(rows):
    console = Console(width=200)
    with console.capture() as captured:
        console.print(results.table(rows))
    shown = captured.get()
    page = results.markdown(results.as_json(rows, threads=1))
    for text in (shown, page):
        for word in ('fast', '0.400-0.600', 'not met', '12.5 MB'):
            assert word in text
    lines = [line for line in page.splitlines() if line.startswith('|')]
    assert len(lines) == 2 + len(rows)
    assert len({line.count('|') for line in lines}) == 1
