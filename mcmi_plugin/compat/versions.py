"""Which versions of the stack this project has been run with."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from mcmi_plugin.errors import UserError

# Package -> (distributions that provide it, versions that work).
# torch: below 2.6 torch.load(weights_only=True) can be made to run code
# (CVE-2025-32434). mmcv: MMRazor asserts this range; mmcv-lite is enough, and a
# full mmcv that loads serves as well. setuptools: from this one on it brings the
# distutils that mmengine imports, which Python 3.12 and later lack.
SUPPORTED = {
    'torch': (('torch',), '>=2.6'),
    'mmengine': (('mmengine',), '>=0.10,<0.11'),
    'mmcv': (('mmcv', 'mmcv-lite'), '>=2.0.0rc1,<=2.1.0'),
    'mmpretrain': (('mmpretrain',), '>=1.2,<1.3'),
    'mmrazor': (('mmrazor',), '>=1.0,<1.1'),
    'setuptools': (('setuptools',), '>=60'),
}
# Forks whose files go into the originals' folders, over whatever is there.
_FORK = 'onedl-'


def check_versions(version_of: Callable[[str], str] = version) -> None:
    """Refuse a stack that is known not to work, before anything is imported.

    Args:
        version_of: distribution name -> installed version, raising
            ``PackageNotFoundError`` for a distribution that is not installed.

    Raises:
        UserError: one line with every package that is missing, outside ``SUPPORTED``
            or mixed with another one in its folder, the version found and the
            command that mends it.
    """
    faults, wanted = [], []
    removed: list[str] = []
    for package, (distributions, specifier) in SUPPORTED.items():
        there = _versions((*distributions, _FORK + package), version_of)
        fault = _fault(package, there, specifier)
        if fault is None:
            continue
        faults.append(fault)
        wanted.append(f"'{distributions[-1]}{specifier}'")
        if there.keys() - {distributions[-1]}:
            removed += there  # all: they share files, and one takes the other's along
    if faults:
        uninstall = f'pip uninstall -y {" ".join(removed)} && ' if removed else ''
        raise UserError(
            f'{"; ".join(faults)}: {uninstall}pip install {" ".join(wanted)}'
        )


def _versions(
    distributions: tuple[str, ...], version_of: Callable[[str], str]
) -> dict[str, str]:
    found = {}
    for distribution in distributions:
        try:
            found[distribution] = version_of(distribution)
        except PackageNotFoundError:
            continue
    return found


def _fault(package: str, there: dict[str, str], specifier: str) -> str | None:
    names = [f'{name} {number}' for name, number in there.items()]
    if not there:
        return f'{package} is not installed (works: {specifier})'
    if _FORK + package in there:
        return f"{names[-1]} is not supported: its files go into {package}'s folder"
    if len(set(there.values())) > 1:
        return f'{" and ".join(names)} share one folder'
    found = next(iter(there.values()))
    if not _satisfies(found, specifier):
        return f'{package} {found} is not supported (works: {specifier})'
    return None


def _satisfies(found: str, specifier: str) -> bool:
    from packaging.specifiers import SpecifierSet

    # A local label ('2.11.0+cu130') does not count, a pre-release does:
    # PEP 440 hides pre-releases unless asked.
    return SpecifierSet(specifier).contains(found, prereleases=True)
