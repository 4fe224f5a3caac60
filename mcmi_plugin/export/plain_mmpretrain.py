"""The student as a config and a checkpoint of plain mmpretrain."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mmengine.registry
import mmpretrain.registry
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope, Registry
from mmpretrain.apis import get_model

from mcmi_plugin.evaluation.predictions import logits_of
from mcmi_plugin.export.network_file import (
    PLAIN,
    answers_elsewhere,
    in_mmpretrains_words,
    needed,
)
from mcmi_plugin.export.samples import Logits, Samples
from mcmi_plugin.export.source import Source
from mcmi_plugin.type_names import short_name
from mcmi_plugin.version import __version__

FILES = ('student.py', 'student.pth')
_HERE = '{{ fileDirname }}'  # mmengine's word for the folder of a config
LOAD = (
    'import mmpretrain',
    "model = mmpretrain.get_model('student.py', pretrained='student.pth')",
)
_REGISTRIES = [
    registry
    for package in (mmpretrain.registry, mmengine.registry)
    for registry in vars(package).values()
    if isinstance(registry, Registry)
]


def write(source: Source, samples: Samples, folder: Path) -> Logits:
    """Write the files into ``folder`` and load them from there.

    A network of ours is a third file, ``student_NAME.py``, that ``student.py``
    imports. Then they are loaded where ``import mcmi_plugin`` fails.

    Returns:
        What the loaded model answers to a batch.

    Raises:
        UserError: as :func:`.network_file.needed`, or they cannot be loaded.
    """
    plain = plain_config(source)
    modules = needed(source.student, plain.model, source.cfg)
    head = (
        f'# Student of {source.checkpoint}, exported by mcmi_plugin {__version__}.\n'
        "# model.head.loss is that of the distillation, with the distillation's\n"
        '# weight: look at it before you train with this config.\n'
    )
    config, checkpoint = (folder / name for name in FILES)
    if modules.written:
        head += f'import sys\n\nsys.path.insert(0, {_HERE!r})\n'
    for name, text in modules.written.items():
        Path(folder, f'{name}.py').write_text(text)
    if modules.names:
        plain.custom_imports = dict(imports=modules.names, allow_failed_imports=False)
    config.write_text(head + plain.pretty_text)
    classes = dict(classes=tuple(samples.classes)) if samples.classes else {}
    meta = dict(dataset_meta=classes, exported_from=str(source.checkpoint))
    if 'mcmi' in source.meta:  # or an MCMI teacher would be fine-tuned once more
        meta['mcmi'] = source.meta['mcmi']
    torch.save(
        dict(
            meta=meta,
            state_dict={k: v.cpu() for k, v in source.student.state_dict().items()},
        ),
        checkpoint,
    )
    if modules.names:
        found = answers_elsewhere(config, checkpoint, samples)
        answers = dict(zip(map(id, samples.batches), found, strict=True))
        return lambda batch: answers[id(batch)]
    model = get_model(str(config))
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    model.eval()
    return lambda batch: logits_of(model, batch)


def plain_config(source: Source) -> Config:
    """Model and preprocessor, and as far as they are plain the test data too."""
    model = in_mmpretrains_words(_without_scopes(copy.deepcopy(source.model)))
    parts = dict(default_scope='mmpretrain')
    parts['data_preprocessor'] = model.pop('data_preprocessor', {})
    parts['model'] = model
    parts.update(_test_parts(source.cfg))
    return Config(parts)


def note(source: Source) -> str:
    """What the files lack, in a few words, or nothing."""
    users = needed(source.student, plain_config(source).model, source.cfg).users
    imports = [f'student.py imports {", ".join(users)} of yours'] if users else []
    return '; '.join(filter(None, [*imports, _left_out(source)]))


def _left_out(source: Source) -> str:
    if _test_parts(source.cfg):
        return ''
    loader, evaluator = _loader_and_evaluator(source.cfg)
    foreign = [*_foreign_types(loader or {}), *_foreign_types(evaluator or {})]
    why = f'{foreign[0]} is not of mmpretrain' if foreign else 'the run has none'
    return f'student.py has no test_dataloader: {why}'


def _without_scopes(part: Any) -> Any:
    """Without mmcls and other scopes: mmpretrain knows its own names bare."""
    if isinstance(part, dict):
        part.pop('_scope_', None)
        for key, value in part.items():
            bare = key == 'type' and isinstance(value, str)
            part[key] = short_name(value) if bare else _without_scopes(value)
    elif isinstance(part, (list, tuple)):
        return type(part)(map(_without_scopes, part))
    return part


def _loader_and_evaluator(cfg: Config) -> tuple[dict | None, Any]:
    split = 'test' if cfg.get('test_dataloader') else 'val'
    return cfg.get(f'{split}_dataloader'), cfg.get(f'{split}_evaluator')


def _test_parts(cfg: Config) -> dict:
    loader, evaluator = map(copy.deepcopy, _loader_and_evaluator(cfg))
    if not loader or not evaluator:
        return {}
    if any(_foreign_types(dict(type=loader.get('type')))):
        del loader['type']  # a faster loader of the same samples
    if isinstance(evaluator, dict) and 'metrics' in evaluator:
        evaluator = evaluator['metrics']
    metrics = evaluator if isinstance(evaluator, list) else [evaluator]
    metrics = [metric for metric in metrics if not any(_foreign_types(metric))]
    if not metrics or any(_foreign_types(loader)):
        return {}
    return dict(
        test_dataloader=_without_scopes(loader),
        test_evaluator=_without_scopes(metrics),
        test_cfg={},
    )


def _foreign_types(part: Any) -> Iterator[str]:
    """Names of types in a config that plain mmpretrain cannot build."""
    if isinstance(part, dict):
        name = part.get('type')
        if isinstance(name, str) and not _is_plain(short_name(name)):
            yield name
        for value in part.values():
            yield from _foreign_types(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _foreign_types(value)


def _is_plain(name: str) -> bool:
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        found = [registry.get(name) for registry in _REGISTRIES]
    return any(f is not None and f.__module__.split('.')[0] in PLAIN for f in found)
