"""Where a pair's network has its features: from the table, from a run, or as said."""

import copy
import difflib
import functools
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from ..config_file import read_config
from ..errors import UserError
from ..faults.closest import did_you_mean
from ..isolation import isolated
from ..models.taps import IMAGENET_TAPS, TAPS
from .seen import Seen, see
from .stages import (
    before_activation,
    last_tokens,
    logits_call,
    pooled_of,
    stages_in,
    tap_of,
    where_put_out,
)

# What pair.taps may say of a network.
SAID = ('logits', 'pooled', 'stages', 'preact', 'labels', 'channels', 'pooled_channels')
_LISTS = ('stages', 'preact', 'channels')
# Where mmpretrain's classifiers have the labels. ModuleInputs records positional
# arguments, hence the index.
_LABELS = dict(type='ModuleInputs', source='head.loss_module', data_idx=1)


def taps_of(pair: dict, side: str, network: dict) -> dict[str, Any]:
    """The taps of a pair's network.

    Args:
        pair: its ``taps[side]`` goes before what is found, ``input_shape`` is that of
            one image, where not every network takes the same.

    Returns:
        The keys of ``SAID`` as far as they are known: ``channels`` in numbers, the
        others as MMRazor's recorders with the indices of the record; ``shapes``,
        lists [C, H, W], one a stage; and of a transformer without stages ``tokens``,
        the recorder of its last block, and ``tokens_shape``, [L, D].

    Raises:
        UserError: a key or module of ``taps`` that does not exist, or a network that
            nothing is known of and that cannot be run.
    """
    said = _said(pair, side)
    known = _known(pair[side], network)
    if known is None and not set(SAID) <= said.keys():
        text = json.dumps([network, said], sort_keys=True, default=str)
        where = f'pair.{side}: {pair[side]}'
        shape = tuple(pair.get('input_shape') or ())
        known = copy.deepcopy(_run(text, where, side, shape))
    return (known or {}) | said


def _said(pair: dict, side: str) -> dict[str, Any]:
    given = pair.get('taps') or {}
    for key in given:
        _check(key, ('student', 'teacher'), 'pair.taps')
    said = {}
    for key, value in (given.get(side) or {}).items():
        where = f'pair.taps.{side}'
        _check(key, SAID, where)
        if isinstance(value, (list, tuple)) != (key in _LISTS):
            wanted = 'a list, one a stage' if key in _LISTS else 'one, not a list'
            raise UserError(f'{where}.{key}={value!r}: give {wanted}')
        if 'channels' not in key:
            value = [_tap(v) for v in value] if key in _LISTS else _tap(value)
        said[key] = list(value) if key in _LISTS else value
    return said


def _check(key: str, known: tuple[str, ...], where: str) -> None:
    if key not in known:
        raise UserError(
            f'{where}.{key} is not known; {did_you_mean(key, known, least=0)} '
            f'({", ".join(known)})'
        )


def _tap(value: str | dict) -> dict:
    if isinstance(value, str):
        return dict(type='ModuleOutputs', source=value)
    return dict(type='ModuleOutputs') | dict(value)


def _known(path: str, network: dict) -> dict[str, Any] | None:
    """The table's taps, if the file is of the very network that the table means."""
    name = Path(path).stem
    for table, reference in (
        (TAPS, f'mcmi_plugin::_base_/models/cifar/{name}.py'),
        (IMAGENET_TAPS, f'mmpretrain::_base_/models/{name}.py'),
    ):
        if name in table and _essence(network) == _essence_of(reference):
            return _of_table(table[name])
    return None


@functools.cache
def _essence_of(reference: str) -> str:
    return _essence(read_config(reference).model.to_dict())


def _essence(network: dict) -> str:
    """What decides where the features are: of the head, its type."""
    backbone = dict(network.get('backbone') or {})
    backbone.pop('in_channels', None)  # of the images
    head = network.get('head') or {}
    head = {'type': head.get('type'), 'in_channels': head.get('in_channels')}
    parts = [network.get('type'), backbone, network.get('neck'), head]
    return json.dumps(_bare(parts), sort_keys=True, default=str)


def _bare(part: Any) -> Any:
    """Without scopes and beginnings, which move nothing."""
    if isinstance(part, dict):
        dropped = ('_scope_', 'init_cfg', 'pretrained')
        return {k: _bare(v) for k, v in part.items() if k not in dropped}
    return [_bare(x) for x in part] if isinstance(part, (list, tuple)) else part


def _of_table(taps: dict) -> dict[str, Any]:
    return dict(
        logits=_tap(taps['logits']),
        pooled=dict(_tap(taps['pooled']), data_idx=0),
        stages=[_tap(tap) for tap in taps['stages']],
        preact=[_tap(tap) for tap in taps['preact']],
        labels=_LABELS,
        channels=taps['channels'],
        pooled_channels=taps['pooled_channels'],
        shapes=[
            [channels, size, size]
            for channels, size in zip(taps['channels'], taps['sizes'], strict=True)
        ],
    )


@functools.cache
def _run(text: str, where: str, side: str, shape: tuple[int, ...]) -> dict[str, Any]:
    network, said = json.loads(text)
    with isolated():
        seen = see(network, where, shape or None)
    found: dict[str, Any] = {}
    if 'stages' in said:
        stages = _at_said(seen, said['stages'], f'pair.taps.{side}.stages')
    else:
        stages = stages_in(seen)
        found['stages'] = [where_put_out(stage, seen) for stage in stages]
    found['channels'] = [stage.shape[1] for stage in stages]
    found['shapes'] = [list(stage.shape[1:]) for stage in stages]
    found['preact'] = [before_activation(stage, seen) for stage in stages]
    tokens = None if stages else last_tokens(seen)
    if tokens is not None:
        found['tokens'] = where_put_out(tokens, seen)
        found['tokens_shape'] = list(tokens.shape[1:])
    if logits := logits_call(seen):
        found['logits'] = logits[1]
    if seen.labels:
        found['labels'] = tap_of(seen.labels[0], 'ModuleInputs', seen.labels[1])
    if 'pooled' in said:
        (pooled,) = _at_said(seen, [said['pooled']], f'pair.taps.{side}.pooled')
        found['pooled_channels'] = pooled.shape[-1]
    elif pooled_here := pooled_of(seen):
        found['pooled'], found['pooled_channels'] = pooled_here
    for key in ('logits', 'preact', 'labels'):
        taps = said.get(key, [])
        taps = taps if isinstance(taps, list) else [taps]
        _at_said(seen, taps, f'pair.taps.{side}.{key}')
    return found


def _at_said(seen: Seen, taps: list[dict], key: str) -> list[Tensor]:
    """What a training step puts at each tap."""
    found = []
    for tap in taps:
        calls = [c for c in seen.calls if c.name == tap.get('source')]
        index = tap.get('record_idx', 0)
        if index >= len(calls):
            names = dict.fromkeys(c.name for c in seen.calls if c.name)
            source = str(tap.get('source'))
            close = difflib.get_close_matches(source, names, 3, cutoff=0)
            calls_of = f'{len(calls)} calls' if calls else 'no call'
            raise UserError(
                f'{key}: a training step has {calls_of} of {source!r}; closest: '
                f'{", ".join(close)}'
            )
        calls.sort(key=lambda call: call.index)
        call = calls[index]
        value = call.inputs if tap['type'] == 'ModuleInputs' else call.output
        try:
            value = value if 'data_idx' not in tap else value[tap['data_idx']]
        except (IndexError, KeyError, TypeError):
            value = None
        if not isinstance(value, Tensor):
            raise UserError(
                f'{key}: {tap["source"]} gives no tensor there; choose one with '
                'data_idx: dict(source=..., data_idx=0)'
            )
        found.append(value)
    return found
