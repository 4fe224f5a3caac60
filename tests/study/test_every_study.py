"""Every study that the project has, at smoke scale, and then once more."""

import argparse
import importlib.util
import re

import pytest
from conftest import PROJECT

from mcmi_plugin import preflight
from mcmi_plugin.study import checks, run
from mcmi_plugin.study.content import read_content
from mcmi_plugin.study.plan import read_study

STUDIES = sorted(path.stem for path in (PROJECT / 'configs/study').glob('*.py'))


@pytest.fixture(scope='module')
def study():
    """``main`` of tools/study.py, in this process: importing takes seconds."""
    spec = importlib.util.spec_from_file_location('study', PROJECT / 'tools/study.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def arguments(name, work_dir):
    return argparse.Namespace(
        config=str(PROJECT / f'configs/study/{name}.py'),
        scale='smoke',
        work_dir=str(work_dir),
        arms=None,
        grid=[],
        seeds=None,
        cfg_options={},
    )


@pytest.mark.parametrize('name', STUDIES)
def test_smoke(name, study, tmp_path, monkeypatch, capsys):
    content = read_content(str(PROJECT / f'configs/study/{name}.py'))
    if 'eigen_cam' in content['measures']:
        pytest.importorskip('pytorch_grad_cam')
    args = arguments(name, tmp_path)
    study(args)
    first = capsys.readouterr().out
    report = tmp_path / 'report'
    table = (report / 'table.md').read_text()
    assert content['exhibit'] in table
    controls = {content.get('baseline'), content.get('control')} - {None}
    assert all(f'| {arm} |' in table for arm in controls)
    pictures = re.findall(r'\]\((.+\.png)\)', table)
    assert len(pictures) == len(content['figures'])
    for picture in pictures:
        assert (report / picture).read_bytes().startswith(b'\x89PNG')
    cells = int(re.search(r'(\d+) cells', first)[1])
    provenance = (report / 'provenance.md').read_text()
    assert provenance.count('tools/train.py') == cells

    def no_cell(*_):
        pytest.fail('a finished cell was run again')

    monkeypatch.setattr(run, 'run_cell', no_cell)
    study(args)
    assert f'{cells} cells, {cells} finished before' in capsys.readouterr().out
    assert (report / 'table.md').read_text() == table


@pytest.mark.slow
@pytest.mark.parametrize('name', STUDIES)
def test_every_config_of_the_paper_scale(name, tmp_path, monkeypatch):
    # All but the data and the published teachers, which are not here.
    monkeypatch.setattr(preflight, 'check_data', lambda cfg: None)
    monkeypatch.setattr(checks, 'local_file', lambda source: source)
    path = str(PROJECT / f'configs/study/{name}.py')
    assert read_study(path, 'paper', str(tmp_path), seeds=1).cells
