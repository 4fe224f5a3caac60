"""Import MMRazor 1.0.0 on the torch of today."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

_PACKAGES = ('models', 'structures', 'datasets', 'engine', 'implementations')


def import_mmrazor() -> None:
    """Import every package of MMRazor, so that all it registers is registered.

    What upstream gets wrong: its quantization part uses names that torch has
    dropped, and every other part imports it, so nothing of MMRazor 1.0.0
    imports on torch >= 2.0 (open-mmlab/mmrazor #615, #632).

    The mend: MMRazor has a path of its own that leaves quantization out, for
    torch < 1.13; it is taken by letting ``mmrazor.digit_version`` answer 1.12
    for torch's version while the packages are imported.

    It falls away when ``mmrazor.structures.quantization`` imports as it is.
    Trying that part first, and not the whole, keeps the failed attempt free of
    traces: it fails before MMRazor's registries exist, and Python itself takes
    the modules that raised out of ``sys.modules``. A failed import of
    ``mmrazor.models`` would leave registered classes behind.
    """
    try:
        import_module('mmrazor.structures.quantization')
    except (ImportError, AttributeError):
        with _without_quantization():
            _import_packages()
    else:
        _import_packages()


def _import_packages() -> None:
    for package in _PACKAGES:
        import_module(f'mmrazor.{package}')


@contextmanager
def _without_quantization() -> Iterator[None]:
    import mmrazor
    import torch

    true_answer = mmrazor.digit_version

    def digit_version(version_str: str, length: int = 4) -> tuple[int, ...]:
        if version_str == torch.__version__:
            version_str = '1.12.0'
        return true_answer(version_str, length)

    mmrazor.digit_version = digit_version
    try:
        yield
    finally:
        # Some modules took the name with `from mmrazor import digit_version`
        # and ask again at run time: they must be told the truth then.
        for name, module in list(sys.modules.items()):
            if not name.startswith('mmrazor'):
                continue
            if vars(module).get('digit_version') is digit_version:
                vars(module)['digit_version'] = true_answer
