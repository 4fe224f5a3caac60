"""``tools/export.py`` on a real run, and its files where this project is not."""

import contextlib
import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import torch
from conftest import PROJECT, run_tool
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mcmi_plugin.datasets.digits import Digits
from mcmi_plugin.weights.file import load_checkpoint_file

FORMATS = {
    'mmpretrain': ('student.py', 'student.pth'),
    'onnx': ('student.onnx',),
    'torch-export': ('student.pt2',),
}
ANSWER = """
import torch
try:
    # The name alone is there beside an editable install: a folder for mim.
    from mcmi_plugin import version
except ImportError:
    pass
else:
    raise SystemExit(f'this project is here: {version.__file__}')
pixels = torch.load('pixels.pt', weights_only=True)
answers = {}

program = torch.export.load('torch-export/student.pt2')
answers['torch-export'] = program.module()(pixels.float())

import onnxruntime
session = onnxruntime.InferenceSession('onnx/student.onnx')
(logits,) = session.run(None, {'pixels': pixels.float().numpy()})
answers['onnx'] = torch.tensor(logits)

import mmpretrain
folder = 'mmpretrain/student'
model = mmpretrain.get_model(f'{folder}.py', pretrained=f'{folder}.pth')
saved = torch.load(f'{folder}.pth', weights_only=True)
model.load_state_dict(saved['state_dict'], strict=True)
assert model._dataset_meta['classes'] == tuple('0123456789')
batch = model.data_preprocessor(dict(inputs=pixels), False)
answers['mmpretrain'] = model(batch['inputs'], mode='tensor').detach()
torch.save(answers, 'answers.pt')
"""


@pytest.fixture(scope='module')
def run(tmp_path_factory, server):
    """One epoch each of a teacher, its fine-tune and its student, by the command."""
    folder = tmp_path_factory.mktemp('export')
    run_tool(
        'train.py', PROJECT / 'tests/shaken_quickstart.py', '--cfg-options',
        'mcmi.mll_epochs=1', 'mcmi.epochs=1', 'train_cfg.max_epochs=1',
        'default_hooks.checkpoint.save_best=auto', cwd=folder, server=server,
    )  # fmt: skip
    return SimpleNamespace(
        folder=folder,
        work_dir=folder / 'work_dirs/shaken_quickstart',
        teachers=folder / 'work_dirs/mcmi_teachers',
    )


@pytest.fixture(scope='module')
def plain_python(tmp_path_factory):
    """Runs code with today's packages, but without this project."""
    folder = tmp_path_factory.mktemp('plain') / 'venv'
    subprocess.run(
        [sys.executable, '-m', 'venv', '--without-pip', str(folder)], check=True
    )
    packages = sysconfig.get_path('purelib', vars={'base': str(folder)})
    # A folder that a .pth names is searched, but its own .pth files are not read,
    # and one of those is what makes an editable install of this project known.
    Path(packages, 'packages.pth').write_text(sysconfig.get_path('purelib') + '\n')

    def python(code: str, *args, cwd: Path) -> str:
        done = subprocess.run(
            [str(folder / 'bin/python'), '-I', '-c', code, *map(str, args)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=1800,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return python


@pytest.fixture(scope='module')
def expected(run):
    """Seven digits, and what the distiller's own student says to them."""
    cfg = Config.fromfile(run.work_dir / 'shaken_quickstart.py')
    cfg.model.data_preprocessor = cfg.data_preprocessor
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg.model)
        data = Digits(split='test', pipeline=[dict(type='PackInputs')])
    saved = load_checkpoint_file(run.work_dir / 'epoch_1.pth')['state_dict']
    model.load_state_dict(saved, strict=True)
    model.eval()
    pixels = torch.stack([data[i]['inputs'] for i in range(0, 700, 100)])
    prepared = model.data_preprocessor(dict(inputs=pixels), False)['inputs']
    with torch.no_grad():
        return pixels, model.student(prepared, mode='tensor')


@pytest.fixture(scope='module')
def exported(run, server):
    """What the command has said, and the folder of its files, by format."""
    folder = run.folder / 'exported'
    folder.mkdir()
    return {
        form: run_tool(
            'export.py', run.work_dir, '--format', form, '--out', form,
            cwd=folder, server=server,
        )
        for form in FORMATS
    }  # fmt: skip


@pytest.mark.parametrize('form', FORMATS)
def test_the_command_says_what_it_has_written(form, exported):
    said, here = exported[form].stdout, exported[form].cwd / form
    assert sorted(p.name for p in here.iterdir()) == sorted(FORMATS[form])
    for file in FORMATS[form]:
        size = f'{(here / file).stat().st_size:,}'
        assert re.search(rf'{re.escape(file)} +│ {size} bytes', said)
    for words in ('epoch_1.pth', '64, validation set', 'difference', '64 of 64'):
        assert words in said


def test_the_files_answer_the_same_without_this_project(
    exported, plain_python, expected
):
    here = exported['onnx'].cwd
    pixels, logits = expected
    torch.save(pixels, here / 'pixels.pt')
    plain_python(ANSWER, cwd=here)
    answers = torch.load(here / 'answers.pt', weights_only=True)
    assert answers.keys() == FORMATS.keys()
    for found in answers.values():
        torch.testing.assert_close(found, logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('form', ['onnx', 'torch-export'])
def test_the_printed_lines_load_the_files(form, exported):
    done = exported[form]
    lines = done.stdout.partition('to load it:\n')[2].splitlines()
    code = '\n'.join(line.removeprefix('    ') for line in lines)
    pixels = torch.zeros(3, 3, 8, 8)
    names = dict(pixels=pixels.numpy() if form == 'onnx' else pixels)
    with contextlib.chdir(done.cwd / form):
        exec(code, names)
    assert names['logits'].shape == (3, 10)


def test_the_graphs_say_what_goes_in_and_out(exported):
    graph = onnx.load(exported['onnx'].cwd / 'onnx/student.onnx')
    about = {entry.key: json.loads(entry.value) for entry in graph.metadata_props}
    assert about['classes'] == list('0123456789')
    assert about['input_size'] == [3, 8, 8]
    assert about['mean_in_graph'] == pytest.approx([77.85] * 3)
    assert about['std_in_graph'] == pytest.approx([95.89] * 3)
    assert 'from 0 to 255' in about['input']
    (opset,) = graph.opset_import
    assert opset.version == 18
    for value in (*graph.graph.input, *graph.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == 'batch'

    entries = {'about.json': ''}
    file = exported['torch-export'].cwd / 'torch-export/student.pt2'
    torch.export.load(file, extra_files=entries)
    assert json.loads(entries['about.json']) == about


def test_by_default_the_files_lie_in_the_work_dir_and_the_run_is_as_before(
    run, command
):
    before = {p: p.stat().st_mtime_ns for p in run.work_dir.iterdir() if p.is_file()}
    command('export.py', run.work_dir, '--format', 'mmpretrain')
    assert (run.work_dir / 'export/student.pth').is_file()
    after = {p: p.stat().st_mtime_ns for p in run.work_dir.iterdir() if p.is_file()}
    assert after == before
    # Again: the config that was exported is not taken for the run's.
    command('export.py', run.work_dir, '--format', 'mmpretrain')


def test_the_best_checkpoint_and_the_teacher(run, command):
    (best,) = run.work_dir.glob('best_*.pth')
    words = (run.work_dir, '--format', 'mmpretrain', '--out', 'best')
    done = command('export.py', *words, '--checkpoint', 'best')
    assert best.name in done.stdout.replace('\n', '')
    (teacher,) = run.teachers.glob('*-mcmi-*')
    done = command('export.py', teacher, '--format', 'mmpretrain', '--out', 'teacher')
    made = load_checkpoint_file(teacher / 'teacher.pth')['state_dict']
    exported = load_checkpoint_file(done.cwd / 'teacher/student.pth')['state_dict']
    assert made.keys() == exported.keys()
    assert all(torch.equal(made[name], exported[name]) for name in made)
    config = (done.cwd / 'teacher/student.py').read_text()
    assert 'CMILoss' not in config
