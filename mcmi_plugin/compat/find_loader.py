"""Let mmengine and mmcv look for mmcv's operators on Python 3.14."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

_ASKING = ('mmengine.utils.dl_utils.misc', 'mmcv.utils.ext_loader')


def mend_find_loader() -> None:
    """Answer the two modules that ask ``pkgutil.find_loader``.

    What upstream gets wrong: they look for ``mmcv._ext`` by a function that Python
    3.14 has dropped, so no Runner is built there. In these two modules, and nowhere
    else, ``pkgutil`` has it again, by ``importlib.util.find_spec``.

    It falls away with Python 3.13, or when neither module asks ``pkgutil`` any more.
    """
    if hasattr(pkgutil, 'find_loader'):
        return
    for name in _ASKING:
        module = vars(import_module(name))
        if module.get('pkgutil') is pkgutil:
            module['pkgutil'] = SimpleNamespace(
                **{**vars(pkgutil), 'find_loader': _find_loader}
            )


def _find_loader(name: str):
    spec = find_spec(name)
    return spec and spec.loader
