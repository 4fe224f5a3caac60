"""The page of a study: its table, verdicts, pictures and commands."""

import re

import numpy as np
from PIL import Image

from mcmi_plugin.report.blocks import Table
from mcmi_plugin.study.page import write_study_page


def result(arm, seed, grid):
    return dict(
        grid=grid, arm=arm, seed=seed, seconds=12.34, teacher='teachers/t.pth',
        versions=dict(torch='2.6.0'), command=f'python tools/train.py {arm} <{seed}>',
    )  # fmt: skip


def test_all_of_a_study_is_on_its_page(tmp_path):
    picture = tmp_path / 'figure1_per_class.png'
    Image.fromarray(np.zeros((10, 30, 3), np.uint8)).save(picture)
    table = Table(['arm', 'accuracy'], [['MLL', '97.00 +- 0.10']], 'mean of <n> seeds')
    results = [result('MLL', 0, dict(delta='1')), result('MCMI', 1, dict(delta='1'))]
    path = tmp_path / 'index.html'
    write_study_page(
        path, 'Table 5', table, ['one <verdict>', 'two'], [picture], results
    )
    page = path.read_text()
    assert '97.00 +- 0.10' in page and 'mean of &lt;n&gt; seeds' in page
    assert '<p>one &lt;verdict&gt;</p>' in page and '<p>two</p>' in page
    assert 'alt="Figure 1: per class;' in page
    assert 'python tools/train.py MCMI &lt;1&gt;' in page and 'torch 2.6.0' in page
    assert len(re.findall('delta 1', page)) == 2
    write_study_page(path, 'Table 5', table, ['one'], [], [result('MLL', 0, {})])
    page = path.read_text()
    assert 'grid' not in page.split('</style>')[1] and '1 cell, each' in page
