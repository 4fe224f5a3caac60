"""The page of a study: its table, verdicts, pictures and commands."""

import io
import re
from types import SimpleNamespace

from rich.console import Console

from mcmi_study.report import write_report


def result(arm, seed, grid, accuracy=97.0):
    return dict(
        grid=grid, arm=arm, seed=seed, seconds=12.34, teacher='teachers/t.pth',
        versions=dict(torch='2.6.0'), command=f'python tools/train.py {arm} <{seed}>',
        values=dict(student_accuracy=accuracy),
    )  # fmt: skip


def page_of(folder, results, failures, grid, figures):
    content = dict(exhibit='Table 5', title='of <n>', control='MLL', figures=figures)
    study = SimpleNamespace(
        content=content, scale='small', work_dir=folder, grid=grid,
        arms=['MLL', 'MCMI'],
        measures=['student_accuracy'], compared=['student_accuracy'],
    )  # fmt: skip
    write_report(study, results, failures, Console(file=io.StringIO()))
    return (folder / 'report/index.html').read_text()


def test_all_of_a_study_is_on_its_page(tmp_path):
    grid = dict(delta='1')
    results = [
        *(result('MLL', seed, grid, 97 + 0.1 * seed) for seed in (0, 2)),
        result('MCMI', 0, grid),
    ]
    page = page_of(tmp_path, results, ['one <failure>'], grid, [dict(type='bars')])
    assert '97.10 +- 0.14' in page and 'Table 5: of &lt;n&gt;' in page
    assert '<p>failed: one &lt;failure&gt;</p>' in page and '<p>delta 1, MCMI: ' in page
    assert 'alt="Figure 1: bars;' in page
    assert 'python tools/train.py MCMI &lt;0&gt;' in page and 'torch 2.6.0' in page
    assert len(re.findall('>delta 1<', page)) == 3
    page = page_of(tmp_path, [result('MLL', 0, {})], [], {}, [])
    assert 'grid' not in page.split('</style>')[1] and '1 cell, each' in page
