"""``tools/benchmark.py`` itself, once, with its smallest suite."""

import json


def test_unknown_suite_is_one_line(command):
    done = command('benchmark.py', 'centroid', ok=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no suite 'centroid'; did you mean")
    assert len(done.stderr.splitlines()) == 1


def test_gpu_is_skipped_in_one_line_where_there_is_none(command):
    done = command(
        'benchmark.py', 'gpu', '--out', 'r.json', env={'CUDA_VISIBLE_DEVICES': ''}
    )
    assert 'gpu: skipped, ' in done.stdout
    found = json.loads((done.cwd / 'r.json').read_text())
    assert found['results'] == []
