"""What was run, and where its teacher and that one's outputs were from."""

import json
import os
from pathlib import Path

from mmengine.config import Config

from mcmi_plugin.optim_wrappers import wrappers_in
from mcmi_plugin.report.cost import parameters, rate, time_words
from mcmi_plugin.report.method import losses_of, method_of, value_in_words
from mcmi_plugin.report.work_dir import Run
from mcmi_plugin.shown.blocks import Block, Code, Table, Text
from mcmi_plugin.stored.agreement import RECORD
from mcmi_plugin.teacher.in_words import settings_in_words
from mcmi_plugin.type_names import short_name


def what_was_run(run: Run) -> list[Block]:
    """Config, command and versions."""
    cfg = run.config
    rows = [('work dir', as_typed(run.folder))]
    if run.record.get('config'):
        rows.append(('config', run.record['config']))
    rows.append(('algorithm', short_name(cfg.model.get('type'))))
    networks = networks_of(run)
    for name, network in networks.items():
        number = parameters(run, name)
        rows.append((name, f'{network}, {number} parameters' if number else network))
    if 'teacher' in networks:
        rows.append(('method', f'{method_of(cfg)}: {losses_of(cfg)}'))
    if cfg.get('mcmi'):
        rows.append(('mcmi', ', '.join(f'{k}={v}' for k, v in cfg.mcmi.items())))
    for split in ('train', 'val'):
        loader = cfg.get(f'{split}_dataloader')
        if loader:
            data = f'{_data(loader)}, batch {loader.get("batch_size")}'
            rows.append((f'{split} data', data))
    done, wanted = run.epochs
    rows.append(
        (f'{run.unit}s', str(done) if done == wanted else f'{done} of {wanted}')
    )
    rows.append(('optimizer', _optimizers(cfg)))
    costs = (('learning rate, as logged', rate(run)), ('time', time_words(run)))
    rows += [row for row in costs if row[1]]
    rows.append(('seed', 'not set' if run.seed is None else str(run.seed)))
    if run.record:
        number, device = run.record['processes'], run.record['device']
        device += f', {number} processes' if number > 1 else ''
        rows.append(('device', device))
        words = [f'{name} {v}' for name, v in run.record['versions'].items()]
        rows.append(('versions', ', '.join(words)))
    command = run.record.get('command')
    blocks: list[Block] = [Table(('', 'this run'), rows)]
    if command:
        blocks.append(Code(command))
    else:
        blocks.append(Text('The command is not recorded: the run has not ended yet.'))
    return [*blocks, Code(run.config_text, 'The whole config')]


def provenance_blocks(run: Run) -> list[Block]:
    """Recipe, hashes and versions behind the teacher, from its ``meta['mcmi']``."""
    provenance = run.teacher.get('mcmi')
    if provenance is None:
        return []
    recipe = provenance.get('recipe') or {}
    rows = [
        ('file', as_typed(run.teacher.get('file'))),
        ('fingerprint of the recipe', str(provenance.get('fingerprint', ''))),
        ('started from', as_typed((provenance.get('base') or {}).get('source'))),
        ('student of', _students_teacher(provenance)),
        ('SHA-256 of those weights', str(recipe.get('base') or 'trained from scratch')),
        ('made with', settings_in_words(provenance)),
        ('training samples', str(recipe.get('num_samples', ''))),
        ('SHA-256 of what they are', str(recipe.get('data_content', ''))),
    ]
    versions = provenance.get('versions') or {}
    if versions:
        words = ', '.join(f'{name} {version}' for name, version in versions.items())
        rows.append(('versions', words))
    rows = [(name, value) for name, value in rows if value]
    text = json.dumps(recipe, indent=1, sort_keys=True, default=str)
    return [
        Table(('', 'the teacher'), rows),
        Code(text, 'The whole recipe: what the teacher was made from, and how'),
    ]


def stored_blocks(run: Run) -> list[Block]:
    """A line, where the teacher's outputs were stored."""
    path = run.folder / RECORD
    if not path.is_file():
        return []
    record = json.loads(path.read_text())
    share = 100 * record['found'] / record['asked']
    words = (
        f'The teacher was asked for {record["asked"]} answers, and {share:.1f} % of '
        f'them were stored before ({record["folder"]}).'
    )
    if 'kl' in record:
        words += (
            f' On {record["rows"]} of the stored views, augmented as in training, the '
            f"student at its end predicts the teacher's class in "
            f'{record["agreement"]:.1f} %; KL(teacher || student) is '
            f'{record["kl"]:.4f} nats.'
        )
    return [Text(words)]


def _students_teacher(provenance: dict) -> str:
    """What taught the student that has become this teacher, in a few words."""
    teacher = (provenance.get('base') or {}).get('teacher')
    if not teacher:
        return ''
    fingerprint = teacher.get('fingerprint', '')[:12]
    return f'a teacher with {settings_in_words(teacher)}, {fingerprint}'


def as_typed(path: object) -> str:
    """A path as it is typed from here, where it lies below this folder."""
    text = str(path)
    below = os.path.isabs(text) and Path(text).is_relative_to(Path.cwd())
    return os.path.relpath(text) if below else text


def networks_of(run: Run) -> dict[str, str]:
    """``teacher``, if there is one, and ``student``, by short names."""
    model = run.config.model
    networks = dict(
        teacher=model.get('teacher'), student=model.get('architecture', model)
    )
    return {name: model_name_of(net) for name, net in networks.items() if net}


def model_name_of(model: dict) -> str:
    """A short name of a classifier's network."""
    if 'cfg_path' in model:
        return Path(model['cfg_path']).stem
    backbone = model.get('backbone', model)
    if 'model_name' in backbone:  # of timm or of the Hugging Face hub
        return str(backbone['model_name'])
    return f'{short_name(backbone.get("type"))}{backbone.get("depth", "")}'


def _data(loader: dict) -> str:
    dataset = loader['dataset']
    names = [short_name(dataset.get('type'))]
    while dataset.get('dataset'):  # a wrapper
        dataset = dataset['dataset']
        names.append(short_name(dataset.get('type')))
    return ' of '.join(names)


def _optimizers(cfg: Config) -> str:
    """Each with its settings, where the config has said them."""
    wrappers = wrappers_in(cfg.get('optim_wrapper') or {}).items()
    words = [(name, value_in_words(wrapper['optimizer'])) for name, wrapper in wrappers]
    return '; '.join(f'{name}: {word}' if name else word for name, word in words)
