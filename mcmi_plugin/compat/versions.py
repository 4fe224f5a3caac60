"""Which versions of the stack this project has been run with."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from mcmi_plugin.errors import UserError

# Package -> (distributions that provide it, versions that work).
# torch: below 2.6 torch.load(weights_only=True) can be made to run code
# (CVE-2025-32434). mmcv: MMRazor asserts this range; mmcv-lite is enough, and a
# user who has the full mmcv keeps it. setuptools: mmengine imports
# pkg_resources, which setuptools 82 dropped, for every 'package::' path.
SUPPORTED = {
    'torch': (('torch',), '>=2.6'),
    'mmengine': (('mmengine',), '>=0.10,<0.11'),
    'mmcv': (('mmcv', 'mmcv-lite'), '>=2.0.0rc1,<=2.1.0'),
    'mmpretrain': (('mmpretrain',), '>=1.2,<1.3'),
    'mmrazor': (('mmrazor',), '>=1.0,<1.1'),
    'setuptools': (('setuptools',), '<82'),
}


def check_versions(version_of: Callable[[str], str] = version) -> None:
    """Refuse a stack that is known not to work, before anything is imported.

    Args:
        version_of: distribution name -> installed version, raising
            ``PackageNotFoundError`` for a distribution that is not installed.

    Raises:
        UserError: one line with every package that is missing or outside
            ``SUPPORTED``, the version found and the command that mends it.
    """
    faults, remedies = [], []
    for package, (distributions, specifier) in SUPPORTED.items():
        found = _installed(distributions, version_of)
        if found is None:
            faults.append(f'{package} is not installed (works: {specifier})')
        elif not _satisfies(found, specifier):
            faults.append(f'{package} {found} is not supported (works: {specifier})')
        else:
            continue
        remedies.append(f"'{distributions[-1]}{specifier}'")
    if faults:
        raise UserError(f'{"; ".join(faults)}: pip install {" ".join(remedies)}')


def _installed(
    distributions: tuple[str, ...], version_of: Callable[[str], str]
) -> str | None:
    for distribution in distributions:
        try:
            return version_of(distribution)
        except PackageNotFoundError:
            continue
    return None


def _satisfies(found: str, specifier: str) -> bool:
    from packaging.specifiers import SpecifierSet

    # A local label ('2.11.0+cu130') does not count, a pre-release does:
    # PEP 440 hides pre-releases unless asked.
    return SpecifierSet(specifier).contains(found, prereleases=True)
