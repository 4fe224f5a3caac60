"""Import tests; those that need a fresh interpreter run one."""

import subprocess
import sys
from unittest import mock

import mmengine.utils
import mmrazor
import pytest
import torch
from mmrazor.models.quantizers import native_quantizer
from mmrazor.models.task_modules.tracer import fx_tracer
from mmrazor.registry import MODELS

from mcmi_plugin.compat import apply, mmrazor_import

true_digit_version = mmengine.utils.digit_version


def run_fresh(code):
    return subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        timeout=1800,
    )


def test_every_package_is_imported():
    for package in mmrazor_import._PACKAGES:
        assert f'mmrazor.{package}' in sys.modules
    for name in ('SingleTeacherDistill', 'OFDLoss', 'ConfigurableDistiller'):
        assert name in MODELS.module_dict


def test_the_true_version_is_told_after_the_import():
    for module in (mmrazor, native_quantizer, fx_tracer):
        assert module.digit_version is true_digit_version
    assert mmrazor.digit_version(torch.__version__) >= mmrazor.digit_version('2.6')


def test_the_true_version_is_told_after_a_failed_import(monkeypatch):
    with pytest.raises(RuntimeError), mmrazor_import._without_quantization():
        assert mmrazor.digit_version(torch.__version__)[:2] == (1, 12)
        assert mmrazor.digit_version('2.1.0') == true_digit_version('2.1.0')
        # As `from mmrazor import digit_version` at the head of a module does.
        monkeypatch.setattr(fx_tracer, 'digit_version', mmrazor.digit_version)
        raise RuntimeError
    assert mmrazor.digit_version is true_digit_version
    assert fx_tracer.digit_version is true_digit_version


def test_nothing_is_pretended_once_mmrazor_imports(monkeypatch):
    pretended = mock.Mock()
    monkeypatch.setattr(mmrazor_import, '_without_quantization', pretended)
    mmrazor_import.import_mmrazor()
    pretended.assert_not_called()


def test_an_upstream_that_imports_by_itself_is_left_alone():
    """Such an upstream is played by one that always leaves quantization out."""
    result = run_fresh(
        'import mmrazor, torch\n'
        'real = mmrazor.digit_version\n'
        'mmrazor.digit_version = lambda v: '
        "real('1.12' if v == torch.__version__ else v)\n"
        'played = mmrazor.digit_version\n'
        'from mcmi_plugin.compat import mmrazor_import\n'
        'assert mmrazor.digit_version is played\n'
        'from mmrazor.models.task_modules.tracer import fx_tracer\n'
        'assert fx_tracer.digit_version is played\n'
    )
    assert result.returncode == 0, result.stderr


def test_importing_the_plugin_prints_nothing():
    result = run_fresh('import mcmi_plugin')
    assert (result.returncode, result.stdout, result.stderr) == (0, '', '')


def test_apply_twice_is_apply_once():
    scopes = MODELS.parent.children.copy()
    finders = sys.meta_path.copy()
    before = mmrazor.models.BaseAlgorithm.set_module_inplace_false
    apply.__wrapped__()
    assert MODELS.parent.children == scopes
    assert sys.meta_path == finders
    assert mmrazor.models.BaseAlgorithm.set_module_inplace_false is before
