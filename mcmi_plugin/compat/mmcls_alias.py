"""Let the name ``mmcls`` mean mmpretrain, for imports and for registries."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from types import ModuleType


def alias_mmcls() -> None:
    """Answer ``import mmcls...``, ``mmcls.X`` types and the scope ``mmcls``.

    What upstream gets wrong: MMRazor 1.0.0 imports from mmcls and names mmcls
    in its configs; mmcls was renamed mmpretrain, and nothing maps the old name,
    so MMRazor's classifiers turn into placeholders and its configs do not parse.

    It falls away when a package mmcls is installed, and the registries when
    mmpretrain brings a scope ``mmcls`` of its own. To be called before anything
    of MMRazor is imported.
    """
    if mmcls_is_installed():
        return
    if not any(isinstance(finder, _MMClsFinder) for finder in sys.meta_path):
        # Ahead of the ordinary finder: once `mmcls` is mmpretrain's module,
        # that one would find mmcls.models in mmpretrain's folder and run the
        # file a second time.
        sys.meta_path.insert(0, _MMClsFinder())
    _keep_renamed_classes()
    _add_scope()


def mmcls_is_installed() -> bool:
    """Whether there is a real mmcls: neither our alias nor a mere folder.

    A folder of that name without code, such as the one MMRazor's configs lie
    in, is a namespace package when one stands beside it; like the alias, it has
    no origin.
    """
    spec = find_spec('mmcls')
    return spec is not None and spec.name == 'mmcls' and spec.origin is not None


class _MMClsFinder(MetaPathFinder, Loader):
    """Hands out the modules of mmpretrain themselves, not copies of them."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname.partition('.')[0] != 'mmcls':
            return None
        if find_spec(_new_name(fullname)) is None:
            return None
        return spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        # Python returns whatever stands in sys.modules afterwards.
        sys.modules[module.__name__] = import_module(_new_name(module.__name__))


def _new_name(module: str) -> str:
    return 'mmpretrain' + module.removeprefix('mmcls')


def _keep_renamed_classes() -> None:
    """``ClsDataSample`` and ``PackClsInputs`` are the two names MMRazor uses
    that mmpretrain gave up for ``DataSample`` and ``PackInputs``."""
    from mmpretrain import structures
    from mmpretrain.datasets.transforms import formatting
    from mmpretrain.registry import TRANSFORMS

    if not hasattr(structures, 'ClsDataSample'):
        structures.ClsDataSample = structures.DataSample
    if not hasattr(formatting, 'PackClsInputs'):
        formatting.PackClsInputs = formatting.PackInputs
    if 'PackClsInputs' not in TRANSFORMS.module_dict:
        TRANSFORMS.register_module(
            name='PackClsInputs', module=formatting.PackClsInputs
        )


def _add_scope() -> None:
    """Give each registry of mmpretrain a twin of scope ``mmcls``.

    mmengine finds a scope by the registry's own name for it, so one registry
    cannot serve two; the twins share their parent's table, and what is
    registered with one is found in the other.
    """
    from mmengine.registry import Registry
    from mmpretrain import registry as mmpretrain_registry

    for registry in vars(mmpretrain_registry).values():
        if not isinstance(registry, Registry) or registry.scope != 'mmpretrain':
            continue
        parent = registry.parent or registry  # some are roots themselves
        if 'mmcls' in parent.children:
            continue
        twin = Registry(
            registry.name,
            build_func=registry.build_func,
            parent=parent,
            scope='mmcls',
            locations=registry._locations,
        )
        twin._module_dict = registry._module_dict
