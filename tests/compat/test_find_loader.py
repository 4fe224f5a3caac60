"""On Python 3.14, which is played here where it is an older one."""

import pkgutil
from importlib import import_module

import pytest

from mcmi_plugin.compat.find_loader import _ASKING, mend_find_loader


@pytest.fixture
def python_3_14(monkeypatch):
    """``pkgutil`` without the function; the two modules as upstream has them."""
    for name in _ASKING:
        monkeypatch.setattr(import_module(name), 'pkgutil', pkgutil)
    monkeypatch.delattr(pkgutil, 'find_loader', raising=False)


@pytest.mark.usefixtures('python_3_14')
def test_the_operators_of_mmcv_are_looked_for_again(monkeypatch, tmp_path):
    from mmcv.utils.ext_loader import check_ops_exist
    from mmengine.utils.dl_utils import mmcv_full_available

    for asks in (check_ops_exist, mmcv_full_available):
        with pytest.raises(AttributeError, match='find_loader'):
            asks()
    mend_find_loader()
    for asks in (check_ops_exist, mmcv_full_available):
        assert not asks()
    assert not hasattr(pkgutil, 'find_loader')  # of everybody else

    import mmcv

    (tmp_path / '_ext.py').touch()
    monkeypatch.setattr(mmcv, '__path__', [*mmcv.__path__, str(tmp_path)])
    for asks in (check_ops_exist, mmcv_full_available):
        assert asks()


@pytest.mark.skipif(not hasattr(pkgutil, 'find_loader'), reason='it is gone')
def test_where_python_has_the_function_nothing_changes():
    mend_find_loader()
    assert all(import_module(name).pkgutil is pkgutil for name in _ASKING)
