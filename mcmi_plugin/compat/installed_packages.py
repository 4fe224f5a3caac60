"""Let mmengine look for installed packages as Python itself does."""

import os.path as osp
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec

# The last three have the names from the first.
_HOLDERS = (
    'mmengine.utils.package_utils',
    'mmengine.utils',
    'mmengine.config.config',
    'mmengine.hub.hub',
)


def find_packages_by_importlib() -> None:
    """Give mmengine's ``is_installed`` and ``get_installed_path`` another source.

    What upstream gets wrong: for every ``package::`` path they import
    ``pkg_resources``, which setuptools 82 has dropped, and where it is still there
    they load it anew each time.

    It falls away when ``mmengine.utils.package_utils`` has no ``pkg_resources`` in it.
    """
    upstream = import_module(_HOLDERS[0])
    if 'pkg_resources' not in upstream.package2module.__code__.co_names:
        return
    ours = (is_installed, get_installed_path, package2module)
    for name in _HOLDERS:
        module = vars(import_module(name))
        for function in ours:
            if function.__name__ in module:
                module[function.__name__] = function


def is_installed(package: str) -> bool:
    """Whether a distribution, or a module with code, of this name is there."""
    try:
        return _folder(package) is not None or bool(distribution(package))
    except PackageNotFoundError:
        return False


def get_installed_path(package: str) -> str:
    """Folder of a package, by the name of its module or of its distribution.

    Raises:
        PackageNotFoundError: there is neither.
        RuntimeError: it is a namespace package, which has no one folder.
    """
    module = package if find_spec(package) else package2module(package)
    folder = _folder(module)
    if folder is None:
        raise RuntimeError(
            f'{package} is a namespace package, which is invalid for `get_install_path`'
        )
    return folder


def package2module(package: str) -> str:
    """The first module of a distribution: ``mmcv`` of ``mmcv-lite``.

    Raises:
        PackageNotFoundError: there is no such distribution.
        ValueError: it does not say.
    """
    listed = (distribution(package).read_text('top_level.txt') or '').split()
    if not listed:
        raise ValueError(f'can not infer the module name of {package}')
    return listed[0]


def _folder(module: str) -> str | None:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return None  # not there, or without code
    return osp.dirname(spec.origin)
