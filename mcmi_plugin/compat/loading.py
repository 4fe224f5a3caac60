"""A stack that cannot be imported ends a program in one line, with the remedy."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from traceback import walk_tb
from types import TracebackType

from mcmi_plugin.errors import UserError, one_line

# The words of the dynamic linker.
_NOT_LOADED = re.compile(
    r'(?P<lacking>\S+\.so[.\d]*): cannot open shared object file'
    r'|undefined symbol|version `\S+\' not found|file too short|invalid ELF header'
    r'|static TLS block'
)
# What torchvision says on a torch that it was not built for.
_OTHER_TORCH = 'operator torchvision::'
# Distributions by the module that is missed; elsewhere the names are the same.
_DISTRIBUTIONS = {'cv2': 'opencv-python', 'PIL': 'pillow', 'sklearn': 'scikit-learn'}


@contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """What fails in the block is a UserError where the user can put it right.

    One that nobody catches ends the program as any command ends: by its line and
    exit status 2. ``--debug`` shows the traceback.
    """
    try:
        yield
    except UserError as error:
        _end_by(error)
        raise
    except (ImportError, OSError, RuntimeError) as error:
        fault = why_not_loaded(error)
        if fault is None:
            raise
        refusal = UserError(fault)
        _end_by(refusal)
        raise refusal from error


def _end_by(refusal: UserError) -> None:
    if '--debug' in sys.argv:
        return
    shown_otherwise = sys.excepthook

    def show(kind, value: BaseException, traceback: TracebackType | None) -> None:
        if value is not refusal:
            return shown_otherwise(kind, value, traceback)
        print(f'error: {refusal}', file=sys.stderr)
        sys.exit(2)

    sys.excepthook = show


def load_operators() -> None:
    """A full mmcv has compiled operators; those that are there must load.

    mmcv-lite has none, and none is needed. But mmengine asks whether they are there,
    not whether they load, and takes them in when it builds a Runner.
    """
    if find_spec('mmcv._ext'):
        import_module('mmcv._ext')


def why_not_loaded(error: BaseException) -> str | None:
    """What is missing or does not load, and the remedy; None if that is not it."""
    text = one_line(error)
    if isinstance(error, ModuleNotFoundError):
        return _not_installed(error.name or '')
    if text.startswith(_OTHER_TORCH):
        return (
            f'torchvision is of another torch ({text}): pip install --upgrade torch '
            'torchvision'
        )
    found = _NOT_LOADED.search(text)
    if isinstance(error, RuntimeError) or found is None:
        return None
    package = _package_of(error)
    if package == 'mmcv':
        return (
            f'the operators of the full mmcv were built for another torch ({text}); '
            'none is needed: pip uninstall -y mmcv mmcv-lite && pip install '
            "'mmcv-lite==2.1.0'"
        )
    if package == 'cv2' and found['lacking']:
        return (
            f'OpenCV asks for {found["lacking"]}, which a server without a screen '
            'lacks: apt-get install libgl1 libglib2.0-0t64 (libglib2.0-0 before '
            'Debian 13 and Ubuntu 24.04); or, without root: pip uninstall -y '
            'opencv-python opencv-python-headless && pip install '
            'opencv-python-headless'
        )
    names = packages_distributions().get(package, [package])
    return (
        f'{package} is there and does not load ({text}); install it anew: pip install '
        f'--force-reinstall {names[0]}'
    )


def _not_installed(module: str) -> str | None:
    if '.' in module or module in ('', 'mcmi_plugin'):
        return None  # another version of the package, or a fault of ours
    return f'{module} is missing: pip install {_DISTRIBUTIONS.get(module, module)}'


def _package_of(error: BaseException) -> str:
    """The package that was being loaded, as the linker or the traceback names it."""
    module = getattr(error, 'name', None)
    if not module:
        frames = walk_tb(error.__traceback__)
        modules = [frame.f_globals.get('__name__', '') for frame, _ in frames]
        python = ('importlib', 'ctypes')
        module = [x for x in modules if x.partition('.')[0] not in python][-1]
    return module.partition('.')[0]
