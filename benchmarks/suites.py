"""The suites by name, each imported when it runs."""

import difflib
from collections.abc import Iterator
from importlib import import_module

from benchmarks.harness import Contest, Figure, Result
from mcmi_plugin.errors import UserError

# In the order of the table in docs/performance.md.
SUITES = {
    'tiny': 'tiny',
    'long-run': 'long_run',
    'pipeline': 'pipeline',
    'step': 'step',
    'finetune': 'finetune',
    'centroids': 'centroids',
    'crd': 'crd',
    'validation': 'validation',
    'startup': 'startup',
    'stored': 'stored',
    'stored-study': 'stored_study',
    'gpu': 'gpu',
}


def check_names(names: list[str]) -> None:
    """Raise a UserError that names the closest suite if one does not exist."""
    for name in names:
        if name not in SUITES:
            close = difflib.get_close_matches(name, SUITES, n=1, cutoff=0)[0]
            raise UserError(
                f'there is no suite {name!r}; did you mean {close!r}? There are '
                f'{", ".join(SUITES)}'
            )


def contests(
    name: str, peer: str | None, small: bool = False
) -> Iterator[Contest | Figure | Result]:
    """What a suite compares.

    Args:
        name: one of :data:`SUITES`.
        peer: folder of another project's checkout, for the suite ``step``.
        small: for the suite ``gpu``, tiny sizes.

    Raises:
        NotHere: this machine lacks what the suite needs.
    """
    module = import_module(f'benchmarks.{SUITES[name]}')
    if name == 'step':
        return module.contests(peer=peer)
    if name == 'gpu':
        return module.contests(small=small)
    return module.contests()
