"""The layers of teacher and student side by side, as ``tools/list_layers.py`` shows."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from mmengine.config import Config
from rich.table import Table
from torch import nn

from ..errors import UserError, one_line
from ..faults.closest import did_you_mean
from .input_shape import input_shape
from .layers import Layer, build_sides, calls, layers_of, parameters_of

KINDS = ('ModuleOutputs', 'ModuleInputs', 'Parameter')
_OVERWRITTEN = (
    '* is changed in place after the layer has put it out: a recorder holds the later '
    'values (at the last norm of a residual block the sum with the shortcut)'
)
_CALLS = (
    'N calls: one record each; record_idx in loss_forward_mappings chooses, counted '
    'from 0'
)
_SEVERAL = (
    '0: ..., 1: ...: one record of several values; data_idx in loss_forward_mappings '
    'chooses'
)


def layer_table(
    cfg: Config,
    kind: str = 'ModuleOutputs',
    depth: int = 2,
    shape: tuple[int, ...] | None = None,
) -> tuple[Table, list[str]]:
    """A table of what a recorder of ``kind`` may name, and notes to it.

    The networks are built from their configs alone: no weights, and no data unless
    nothing else says how large the pictures are.

    Args:
        depth: how many parts, divided by points, a name may have to be shown.
        shape: of one picture; by default as the training pipeline gives it.

    Raises:
        UserError: an unknown kind, networks that cannot be built or do not take
            such a picture, or a size that nothing tells.
    """
    if kind not in KINDS:
        raise UserError(
            f'--kind {kind}: layers are recorded by {", ".join(KINDS)}; '
            + did_you_mean(kind, KINDS, least=0)
        )
    networks = build_sides(cfg)
    notes, sides = [], {}
    if kind == 'Parameter':
        sides = {side: parameters_of(network) for side, network in networks.items()}
    else:
        shape = shape or input_shape(cfg)
        notes.append(f'one sample is {list(shape)}; B: the batch')
        for side, network in networks.items():
            sides[side], note = _seen(network, shape, side)
            notes += [f'{side}: {note}'] * bool(note)
    deep = {side: [_depth(x, kind) for x in found] for side, found in sides.items()}
    shown = {
        side: [x for x, d in zip(found, deep[side], strict=True) if d <= depth]
        for side, found in sides.items()
    }
    rows = _side_by_side(*shown.values())
    table = _table(list(sides), rows, kind)
    texts = ' '.join(str(cell) for column in table.columns for cell in column.cells)
    notes += [_OVERWRITTEN] * ('*' in texts) + [_CALLS] * (' calls: ' in texts)
    notes += [_SEVERAL] * ('0: ' in texts)
    hidden = sum(map(len, sides.values())) - sum(map(len, shown.values()))
    if hidden:
        notes.append(
            f'{hidden} more below these: --depth {max(max(deep.values()))} shows all'
        )
    return table, notes


def _seen(
    network: nn.Module, shape: tuple[int, ...], side: str
) -> tuple[list[Layer], str]:
    try:
        return layers_of(network, shape)
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        raise UserError(
            f'the {side} does not take pictures of {list(shape)} '
            f'({one_line(error, 160)}); give their size: --shape C,H,W'
        ) from error


def _depth(layer: Layer, kind: str) -> int:
    # A parameter is as deep as its module.
    return layer.name.count('.') + (kind != 'Parameter')


def _side_by_side(
    *sides: list[Layer],
) -> list[tuple[str, Sequence[Layer | None]]]:
    """Rows of a name and each side's layer of that name, in the sides' own order."""
    if len(sides) == 1:
        return [(layer.name, (layer,)) for layer in sides[0]]
    first, second = ({layer.name: layer for layer in side} for side in sides)
    a, b = list(first), list(second)
    rows = []
    for _, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        names = dict.fromkeys([*a[i:j], *b[k:m]])
        rows += [(name, (first.get(name), second.get(name))) for name in names]
    return list(dict(rows).items())


def _table(
    sides: list[str], rows: list[tuple[str, Sequence[Layer | None]]], kind: str
) -> Table:
    what = {'ModuleOutputs': 'puts out', 'ModuleInputs': 'takes'}.get(kind, 'shape')
    table = Table('source', title=f"type='{kind}'")
    for side in sides:
        table.add_column(side)
        table.add_column(what)
        table.add_column('parameters', justify='right')
    for name, layers in rows:
        cells = [name or "'' (all of it)"]
        for layer in layers:
            cells += _cells(layer, kind) if layer else ['', '', '']
        table.add_row(*cells)
    return table


def _cells(layer: Layer, kind: str) -> list[str]:
    texts = layer.inputs if kind == 'ModuleInputs' else layer.outputs
    text = calls(texts) or 'not called'
    if layer.overwritten and kind == 'ModuleOutputs':
        text += ' *'
    return [layer.type, text, f'{layer.num_parameters:,}']
