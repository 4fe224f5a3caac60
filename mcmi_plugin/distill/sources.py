"""Where a distiller's recorders listen: the names, before MMRazor trips over one."""

import copy
import difflib

from mmengine.config import ConfigDict
from mmrazor.registry import MODELS

from ..errors import UserError

_OF_MODULES = ('ModuleOutputs', 'ModuleInputs')
_SHOWN = 3


def check_sources(model: ConfigDict) -> None:
    """Every recorder of modules names a module that its network has.

    MMRazor only asserts it, in words that name neither the key nor a remedy. The
    networks are built to learn their modules' names, so this is best called when
    building the model has failed.

    Args:
        model: the config of a distiller's algorithm.

    Raises:
        UserError: one line with the recorder's key, its source and the closest
            modules there are.
    """
    for side, network in (('student', 'architecture'), ('teacher', 'teacher')):
        key = f'{side}_recorders'
        recorders = model.get('distiller', {}).get(key) or {}
        recorders = {k: r for k, r in recorders.items() if r.type in _OF_MODULES}
        if not recorders or network not in model:
            continue
        modules = dict(MODELS.build(copy.deepcopy(model[network])).named_modules())
        for name, recorder in recorders.items():
            if recorder.source not in modules:
                raise UserError(
                    f'model.distiller.{key}.{name}.source: the {side} has no module '
                    f'{recorder.source!r}; {_closest(recorder.source, modules)}'
                )


def _closest(source: str, modules: dict) -> str:
    names = [name for name in modules if name]
    shown = difflib.get_close_matches(source, names, _SHOWN, cutoff=0)
    return f'closest: {", ".join(shown)} (and {len(names) - len(shown)} more)'
