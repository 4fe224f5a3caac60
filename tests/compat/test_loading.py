"""A stack that does not load ends every way in by one line and exit status 2.

A stand-in earlier on the path takes the place of the library: it raises what the
dynamic linker says on a machine where it cannot be loaded.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT

from mcmi_plugin.compat.loading import why_not_loaded

LACKING = 'lib{}: cannot open shared object file: No such file or directory'
SYMBOL = 'mmcv/_ext.so: undefined symbol: _ZN2at4_ops10zeros_like4callERKNS_6TensorE'
# Module, what it raises, and what the line must hold.
ROWS = {
    'OpenCV on a bare server': (
        'cv2',
        f'ImportError({LACKING.format("GL.so.1")!r})',
        ['OpenCV', 'libGL.so.1', 'apt-get install libgl1 libglib2.0-0t64',
         'pip install opencv-python-headless'],
    ),
    'a library of another package': (
        'scipy.linalg',
        f'ImportError({LACKING.format("gfortran.so.5")!r})',
        ['scipy is there', 'libgfortran.so.5', 'pip install --force-reinstall scipy'],
    ),
    'loaded by ctypes': (
        'torch',
        f'OSError({LACKING.format("cudart.so.13")!r})',
        ['torch is there', 'libcudart.so.13', '--force-reinstall torch'],
    ),
    'torchvision of another torch': (
        'torchvision',
        "RuntimeError('operator torchvision::nms does not exist')",
        ['torchvision is of another torch', 'pip install --upgrade torch torchvision'],
    ),
    'OpenCV not there at all': (
        'cv2',
        'ModuleNotFoundError("No module named \'cv2\'", name="cv2")',
        ['cv2 is missing: pip install opencv-python'],
    ),
}  # fmt: skip


def start(folder: Path, *words) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(folder), str(PROJECT)])
    return subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True, text=True, cwd=folder, timeout=1800,
        env={**os.environ, 'PYTHONPATH': path},
    )  # fmt: skip


def check(done: subprocess.CompletedProcess, said: list[str]) -> None:
    assert done.returncode == 2, done.stderr[-2000:]
    (line,) = [x for x in done.stderr.splitlines() if 'error: ' in x]
    assert line.startswith('error: ')
    for word in said:
        assert word in line, line
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize('row', ROWS)
def test_what_does_not_load_is_named_with_its_remedy(row):
    module, raised, said = ROWS[row]
    with pytest.raises((ImportError, OSError, RuntimeError)) as error:
        exec(f'raise {raised}', {'__name__': module})
    line = why_not_loaded(error.value)
    for word in said:
        assert word in line
    assert '\n' not in line


def test_a_command_on_a_bare_server(tmp_path):
    module, raised, said = ROWS['OpenCV on a bare server']
    (tmp_path / f'{module}.py').write_text(f'raise {raised}\n')
    check(start(tmp_path, PROJECT / 'tools/train.py', 'any.py'), said)


@pytest.fixture
def old_mmrazor(tmp_path) -> Path:
    """Found before anything is imported."""
    info = tmp_path / 'mmrazor-0.3.1.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Name: mmrazor\nVersion: 0.3.1\n')
    return tmp_path


@pytest.mark.parametrize(
    'words',
    [
        (PROJECT / 'tools/train.py', 'any.py'),
        ('-m', 'mcmi_plugin', 'train', 'any.py'),
        ('-c', 'import mcmi_plugin'),
    ],
    ids=['script', 'module', 'import'],
)
def test_a_wrong_version_ends_every_way_in_so(words, old_mmrazor):
    said = ['mmrazor 0.3.1 is not supported', "pip install 'mmrazor>=1.0,<1.1'"]
    check(start(old_mmrazor, *words), said)


def test_debug_shows_the_traceback(old_mmrazor):
    done = start(old_mmrazor, PROJECT / 'tools/train.py', 'any.py', '--debug')
    assert done.returncode == 1 and 'Traceback' in done.stderr


def test_a_program_may_catch_it_and_have_other_errors(old_mmrazor):
    catches = (
        'from contextlib import suppress\n'
        'with suppress(ValueError):\n'
        '    import mcmi_plugin\n'
        'raise KeyError("of the program")\n'
    )
    done = start(old_mmrazor, '-c', catches)
    assert done.returncode == 1 and 'Traceback' in done.stderr
    assert 'of the program' in done.stderr.splitlines()[-1]


def test_operators_built_for_another_torch(tmp_path):
    """Found when mmcv is imported, not when the first Runner is built."""
    (tmp_path / 'mmcv').mkdir()
    (tmp_path / 'mmcv/_ext.py').write_text(f'raise ImportError({SYMBOL!r})\n')
    with_operators = (
        f'import mmcv; mmcv.__path__.append({str(tmp_path / "mmcv")!r})\n'
        'import mcmi_plugin\n'
    )
    done = start(tmp_path / 'mmcv', '-c', with_operators)
    check(done, ['built for another torch', 'undefined symbol', 'mmcv-lite==2.1.0'])


@pytest.mark.parametrize(
    'error',
    [
        ImportError("cannot import name 'a' from 'torch'"),
        ModuleNotFoundError("No module named 'torch.a'", name='torch.a'),
        ModuleNotFoundError("No module named 'mcmi_plugin'", name='mcmi_plugin'),
        RuntimeError('undefined symbol of a parser'),
        OSError(5, 'Input/output error'),
    ],
)
def test_a_fault_of_the_code_keeps_its_traceback(error):
    assert why_not_loaded(error) is None
