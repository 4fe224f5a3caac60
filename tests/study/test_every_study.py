"""Every study that the project has, at smoke scale, and then once more."""

import argparse
import importlib.util
import os
import re

import pytest
from cifar_files import write_cifar10, write_cifar100
from conftest import PROJECT
from PIL import Image

from mcmi_study import checks, run
from mcmi_study.content import read_content
from mcmi_study.plan import read_study

STUDIES = sorted(path.stem for path in (PROJECT / 'configs/study').glob('*.py'))
# Of each way to lay out a table or a picture one; together they take ten minutes.
QUICK = ('fig1_temperature', 'people')
SMOKE = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
    for name in STUDIES
]


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


@pytest.mark.parametrize('name', SMOKE)
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
    assert all(f'| {arm} |' in re.sub(' +', ' ', table) for arm in controls)
    pictures = re.findall(r'\]\((.+\.png)\)', table)
    not_drawn = re.findall(r'(\w+) is not drawn: ', table)
    assert not_drawn == ['answers'] * (name == 'people')  # nobody has named the digits
    assert len(pictures) + len(not_drawn) == len(content['figures'])
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


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A folder with small data sets of the real forms where the configs seek them."""
    folder = tmp_path_factory.mktemp('paper')
    write_cifar10(folder / 'data/cifar10', 4000, 100, archive=False)
    write_cifar100(folder / 'data/cifar100', 4000, 100, archive=False)
    Image.new('RGB', (8, 8)).save(folder / 'image.jpg')
    for number in range(1000):
        for split, images in dict(train=10, val=1).items():
            place = folder / f'data/imagenet/{split}/n{number:08d}'
            place.mkdir(parents=True)
            for image in range(images):
                os.link(folder / 'image.jpg', place / f'{image}.jpg')
    return folder


@pytest.mark.slow
@pytest.mark.parametrize('name', STUDIES)
def test_every_config_of_the_paper_scale(name, data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    # The published teachers are not here.
    monkeypatch.setattr(checks, 'local_file', lambda source: source)
    path = str(PROJECT / f'configs/study/{name}.py')
    if 'paper' not in read_content(path)['scales']:
        pytest.skip('an exhibit of our own')
    assert read_study(path, 'paper', str(tmp_path), seeds=1).cells
