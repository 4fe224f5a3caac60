"""The rows of a classifier that belong to some of its classes."""

import os
import os.path as osp
from collections import defaultdict
from pathlib import Path

from mcmi_plugin.errors import UserError

# ImageNet-1k's 1000 folders, WordNet's numbers, in their order.
FOLDERS = Path(__file__).with_name('imagenet_folders.txt').read_text().split()


def class_rows(text: str, num_classes: int, names: list[str] | None) -> list[int]:
    """Numbers of the classes that the user names, in the user's order.

    Args:
        text: numbers or names with commas between them, or a folder with one folder
            a class, which are counted in alphabetical order, as data sets do. Of
            classes whose names are numbers, folders say the name.
        names: of its classes, if its checkpoint tells them. ImageNet's 1000 classes
            are known by their folders and their names.

    Raises:
        UserError: one of them is no class, or may be several, or is there twice.
    """
    if osp.isdir(text):
        wanted = sorted(
            entry.name
            for entry in os.scandir(text)
            if entry.is_dir() and not entry.name.startswith('.')
        )
    else:
        wanted = [name.strip() for name in text.split(',') if name.strip()]
    if not wanted:
        raise UserError(f'--classes {text}: names no class')
    by_number = {str(i): {i} for i in range(num_classes)}
    by_name = _numbers(num_classes, names)
    known = by_number | by_name if osp.isdir(text) else by_name | by_number
    rows: list[int] = []
    for name in wanted:
        found = known.get(_plain(name), set())
        if len(found) != 1:
            what = f'may be {sorted(found)}' if found else 'is none of its classes'
            raise UserError(
                f'--classes: {name} {what}; give numbers, 0 to {num_classes - 1}'
            )
        rows += found
    if len(set(rows)) < len(rows):
        raise UserError(f'--classes {text}: names a class twice')
    return rows


def _numbers(num_classes: int, names: list[str] | None) -> dict[str, set[int]]:
    """What a class may be called -> the numbers of the classes that are called so."""
    called: dict[str, set[int]] = defaultdict(set)
    lists = [names] if names and len(names) == num_classes else []
    if not lists and num_classes == len(FOLDERS):
        from mmpretrain.datasets.categories import IMAGENET_CATEGORIES

        lists = [FOLDERS, IMAGENET_CATEGORIES]
    for listed in lists:
        for number, name in enumerate(listed):
            for synonym in {name, *name.split(',')}:
                called[_plain(synonym)].add(number)
    return called


def _plain(name: str) -> str:
    return ' '.join(name.lower().replace('_', ' ').split())
