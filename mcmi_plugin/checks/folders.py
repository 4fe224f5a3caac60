"""One folder a class: its names, and the pictures in it that count."""

import os
import os.path as osp
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from torchvision.datasets.folder import IMG_EXTENSIONS

from mcmi_plugin.checks.data_set import class_folders, place_of_data
from mcmi_plugin.errors import UserError

_SHOWN = 12


def check_folder_names(config: dict, dataset: Any, key: str) -> None:
    """As many class names as folders, and in their order."""
    folders = class_folders(dataset)
    if folders is None:
        return
    if not folders:
        raise UserError(
            f'{key}: there are no class folders in {dataset.img_prefix}; make one for '
            f'each class, or name a list of labels: --cfg-options {key}.ann_file=FILE'
        )
    names = dataset.metainfo.get('classes')
    if names is None:
        return
    name = 'metainfo.classes'
    if config.get('classes') is not None and 'classes' not in config.get(
        'metainfo', {}
    ):
        name = 'classes'
    if isinstance(names, str):
        raise UserError(
            f'{key}.{name}: there is no file {names}; name one with a class in each '
            'line, or several classes: A,B,...'
        )
    if len(names) != len(folders):
        raise UserError(
            f'{key}: {len(folders)} class folders in {dataset.img_prefix}, not '
            f'{len(names)}{hidden(folders)}; name its classes: --cfg-options '
            f'{key}.{name}={_listed(folders)}'
        )
    wrong = misplaced(names, folders)
    if wrong is not None:
        raise UserError(
            f'{key}.{name}: class {wrong} is called {names[wrong]!r}, but the folders '
            f'are counted alphabetically and its folder is {folders[wrong]!r}; put the '
            f'names into that order: --cfg-options {key}.{name}={_listed(folders)}'
        )


def misplaced(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    """The first class with a name that belongs to another one; None if all are right.

    Names that are not among the wanted ones may be anything: ``tench`` for the
    folder ``n01440764``.
    """
    own, others = [_folded(n) for n in names], [_folded(n) for n in wanted]
    if len(set(own)) < len(own) or len(set(others)) < len(others):
        own, others = list(map(str, names)), list(wanted)
    places = defaultdict(set)  # ImageNet has two cranes
    for label, name in enumerate(others):
        places[name].add(label)
    for label, name in enumerate(own):
        if name in places and label not in places[name]:
            return label
    return None


def _folded(name: str) -> str:
    return str(name).strip().casefold().replace(' ', '_').replace('-', '_')


def _listed(folders: Sequence[str]) -> str:
    plain = all(set(name).isdisjoint(', \'"()[]') for name in folders)
    return ','.join(folders) if plain and len(folders) <= _SHOWN else 'A,B,...'


def hidden(folders: Sequence[str]) -> str:
    """`` (.ipynb_checkpoints among them)``, or nothing."""
    names = [name for name in folders if name.startswith('.')]
    return f' ({names[0]} among them, which may be removed)' if names else ''


def check_pictures(config: dict, dataset: Any, key: str) -> None:
    """There are some, and none that the data set passes over without a word."""
    folder = dataset.img_prefix
    below = class_folders(dataset)
    roots = [folder] if below is None else [osp.join(folder, name) for name in below]
    found = Counter(ending for root in roots for ending in _endings(root))
    counted = {e for e in found if dataset.is_valid_file(e)}
    lost = [e for e in sorted(found) if e in IMG_EXTENSIONS and e not in counted]
    if lost and 'extensions' not in config:
        each = ', '.join(f'{found[ending]} {ending}' for ending in lost)
        raise UserError(
            f'{key}: {each} of the pictures in {folder} would be passed over; say '
            f"which endings count: --cfg-options '{key}.extensions="
            f"[{','.join(sorted({*counted, *lost}))}]'"
        )
    if not counted:
        raise UserError(
            f'{key}: there is no picture in {folder} ('
            f'{", ".join(sorted(dataset.extensions))}); name another folder: '
            f'--cfg-options {key}.{place_of_data(config)}=DIR'
        )


def _endings(folder: str) -> Iterator[str]:
    """Of all files that mmengine lists below a folder: not of hidden ones."""
    for entry in os.scandir(folder):
        if not entry.name.startswith('.') and entry.is_file():
            yield osp.splitext(entry.name)[1].lower()
        elif osp.isdir(entry.path):
            yield from _endings(entry.path)
