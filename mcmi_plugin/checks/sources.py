"""Where a distiller's recorders listen: the names, before MMRazor trips over one."""

import difflib
from collections.abc import Callable

from mmengine.config import Config, ConfigDict
from torch import nn

from mcmi_plugin.distill.input_shape import input_shape
from mcmi_plugin.distill.layers import (
    SIDE_KEYS,
    build_sides,
    calls,
    layers_of,
    parameters_of,
)
from mcmi_plugin.errors import UserError
from mcmi_plugin.locations import typed

# Kind of recorder -> what its source names in a network.
_KINDS: dict[str, Callable] = {
    'ModuleOutputs': nn.Module.named_modules,
    'ModuleInputs': nn.Module.named_modules,
    'Parameter': nn.Module.named_parameters,
}
_SHOWN = 3


def check_sources(cfg: Config) -> None:
    """Every recorder names a module, or a parameter, that its network has.

    MMRazor only asserts it, in words that name neither the key nor a remedy. The
    networks are built to learn their modules' names, so this is best called when
    building the model has failed.

    Raises:
        UserError: one line with the recorder's key, its source, and the closest ones
            there are, each with the shape that it puts out.
    """
    distiller = cfg.model.get('distiller') or {}
    asked = [
        (side, f'model.distiller.{side}_recorders.{name}.source', recorder)
        for side in SIDE_KEYS
        for name, recorder in (distiller.get(f'{side}_recorders') or {}).items()
    ]
    if not any(recorder.type in _KINDS for _, _, recorder in asked):
        return
    networks = build_sides(cfg)
    for side, key, recorder in asked:
        if side not in networks:  # one that is its own teacher
            side = 'student'
        named = _KINDS.get(recorder.type)
        if named and recorder.source not in (names := dict(named(networks[side]))):
            what = 'parameter' if recorder.type == 'Parameter' else 'module'
            raise UserError(
                f'{key}: the {side} has no {what} {recorder.source!r}; '
                + _closest(recorder, [n for n in names if n], networks[side], cfg)
            )


def _closest(
    recorder: ConfigDict, names: list[str], network: nn.Module, cfg: Config
) -> str:
    shapes = _shapes(recorder.type, network, cfg)
    shown = difflib.get_close_matches(recorder.source, names, _SHOWN, cutoff=0)
    listed = ', '.join(f'{name} {shapes.get(name, "")}'.strip() for name in shown)
    line = f'closest: {listed} (and {len(names) - len(shown)} more)'
    if cfg.filename:
        line += f'; all with their shapes: {typed("list_layers")} {cfg.filename}'
    return line


def _shapes(kind: str, network: nn.Module, cfg: Config) -> dict[str, str]:
    """What a recorder of that kind would hold, by name; empty if nobody knows."""
    if kind == 'Parameter':
        return {p.name: p.outputs[0] for p in parameters_of(network)}
    try:
        layers, _ = layers_of(network, input_shape(cfg))
    except Exception:  # the misspelt name is what has to be said, not this
        return {}
    if kind == 'ModuleInputs':
        return {layer.name: calls(layer.inputs) for layer in layers}
    return {layer.name: calls(layer.outputs) for layer in layers}
