"""A study's config, read and checked by itself.

A study config holds one dict, ``study``, of

- ``exhibit``, ``title``: the table or figure of the paper, and its subject;
- ``scales``: ``{'smoke' | 'small' | 'medium' | 'paper': dict(config, seeds, options,
  grid, arms)}``; ``config`` is a path relative to the study's file, ``seeds`` their
  number, ``options`` hold for every cell, ``grid`` and ``arms`` pick names;
- ``arms``: ``{name: options}``, or a list of ``dict(name=..., **options)``; by default
  ``MCMI``, as the config has it;
- ``grid``: ``{axis: {name: options}}``, the rows;
- ``baseline``, ``control``: which arms are the MLL teacher and the same fine-tune
  with lambda = 0. Without both they are ``MLL`` and ``lambda = 0``, and the first of
  the arms; or ``controls=None`` and a ``note`` that says why there are none;
- ``measures``: names in :mod:`.measures`; ``compare``: those of them that arms are
  compared by, by default the first;
- ``figures``: ``[dict(type=NAME, **arguments)]``, in :mod:`.figures`;
- ``paper``: what the paper printed, ``[dict(grid={axis: name}, arm=NAME,
  MEASURE='68.88 +- 0.11')]``; ``note``: a sentence under the table.

Options map dotted config keys to what ``--cfg-options`` can say; ``{seed}``,
``{study_dir}`` and ``{AXIS}``, the name of the cell's value on that axis, are filled
in. Special keys: ``config``; ``pair`` and ``method``, names in ``configs/_base_`` or
paths relative to the study's file. What ``--cfg-options`` cannot say, a pipeline or a
wrapper around a data set, goes into such a config. A measure is a name, or
``dict(type=NAME, **arguments)``.
"""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcmi_plugin.cells.arms import CONTROLS
from mcmi_plugin.config_file import read_config
from mcmi_plugin.errors import UserError
from mcmi_study.checks import check_controls
from mcmi_study.figures import FIGURES
from mcmi_study.measures import MEASURES
from mcmi_study.names import require_distinct, require_known

KEYS = (
    *('exhibit', 'title', 'scales', 'grid', 'arms', 'baseline', 'control', 'controls'),
    *('measures', 'compare', 'figures', 'paper', 'note'),
)
ARMS: dict[str, dict] = {'MCMI': {}}
SCALES = ('smoke', 'small', 'medium', 'paper')
OF_ALL_FIGURES = ('type', 'arms', 'grid', 'title')
SCALE_KEYS = ('config', 'seeds', 'options', 'grid', 'arms')


def read_content(path: str) -> dict:
    """The dict ``study`` of a config as plain values, ``arms`` and ``grid`` as dicts.

    Raises:
        UserError: no such file, a key or name that does not exist, names that
            collide, or no controls.
    """
    if not Path(path).is_file():
        raise UserError(f'there is no study {path}; configs/study has some')
    content = read_config(path, lazy_import=False).to_dict().get('study')
    _refuse_repeated_keys(path)
    if not isinstance(content, dict):
        raise UserError(f'{path} is no study: it has no dict called study')
    arms = content.get('arms') or ARMS
    if isinstance(arms, list):
        require_distinct([arm.get('name', '') for arm in arms], 'arms', path)
        arms = {
            arm['name']: {k: v for k, v in arm.items() if k != 'name'} for arm in arms
        }
    if not content.keys() & {'baseline', 'control', 'controls'}:
        content['baseline'], content['control'] = CONTROLS
        arms = {**CONTROLS, **arms}
    content = {**content, 'arms': arms, 'grid': content.get('grid') or {}}
    _check(content, path)
    return content


def _refuse_repeated_keys(path: str) -> None:
    """Of ``{'a': 1, 'a': 2}`` Python keeps the last, without a word."""
    for node in ast.walk(ast.parse(Path(path).read_text(), path)):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            for key in keys:
                if keys.count(key) > 1:
                    raise UserError(
                        f'{path}, line {node.lineno}: two entries share the name '
                        f'{key!r}; give each a name of its own'
                    )


def named_measures(content: dict) -> dict[str, dict]:
    """The measures of a study: {name: arguments}."""
    said: list[Any] = [
        dict(type=m) if isinstance(m, str) else m for m in content['measures']
    ]
    return {m.get('type'): {k: v for k, v in m.items() if k != 'type'} for m in said}


def _check(content: dict, path: str) -> None:
    for key in content:
        require_known(key, KEYS, 'key', f'{path}: study')
    for key in ('exhibit', 'title', 'scales', 'measures'):
        if not content.get(key):
            raise UserError(f'{path}: study.{key} is not set')
    for name, scale in content['scales'].items():
        require_known(name, SCALES, 'scale', f'{path}: scales')
        for key in scale:
            require_known(key, SCALE_KEYS, 'key', f'{path}: scales.{name}')
    require_distinct(list(content['arms']), 'arms', path)
    require_distinct(list(content['grid']), 'axes', path)
    for axis, values in content['grid'].items():
        require_distinct(list(values), 'values', f'{path}: grid.{axis}')
    measures = named_measures(content)
    for name in measures:
        require_known(name, MEASURES, 'measure', path)
    for name in content.get('compare') or []:
        require_known(name, measures, 'measure', f'{path}: compare')
    for name, arguments in measures.items():
        _check_arguments(MEASURES[name], arguments, path)
    for figure in content.get('figures') or []:
        require_known(figure.get('type'), FIGURES, 'figure', path)
        own = {k: v for k, v in figure.items() if k not in OF_ALL_FIGURES}
        _check_arguments(FIGURES[figure['type']], own, path, 3)
    check_controls(content, path)
    for row in content.get('paper') or []:
        where = f'{path}: paper'
        require_known(row.get('arm'), content['arms'], 'arm', where)
        for axis, name in row.get('grid', {}).items():
            require_known(axis, content['grid'], 'axis', where)
            require_known(name, content['grid'][axis], 'value', where)
        for key in row.keys() - {'arm', 'grid'}:
            require_known(key, measures, 'measure', where)


def _check_arguments(
    function: Callable, arguments: dict, path: str, given: int = 2
) -> None:
    """A measure or figure takes these beside the first few, which are the study's."""
    try:
        inspect.signature(function).bind(*[None] * given, **arguments)
    except TypeError as error:
        raise UserError(f'{path}: {function.__name__}: {error}') from error
