"""A tiny folder of pictures in each of the layouts that mmpretrain's ImageNet knows."""

import itertools
from pathlib import Path

from imagenet_folder import CLASSES, write_folder


def flatten(root: Path, split: str) -> None:
    """As the authors lay out ``val``: pictures side by side, labels in ``meta``."""
    number = itertools.count(1)
    lines = []
    for label, name in enumerate(CLASSES):
        for picture in sorted((root / split / name).iterdir()):
            moved = picture.rename(root / split / f'{split}_{next(number):08}.jpg')
            lines.append(f'{moved.name} {label}\n')
        (root / split / name).rmdir()
    (root / 'meta').mkdir(exist_ok=True)
    (root / 'meta' / f'{split}.txt').write_text(''.join(lines))


def write_layout(root: Path, flat: tuple = ()) -> None:
    write_folder(root)
    (root / 'names.txt').write_text('\n'.join(CLASSES) + '\n')
    for split in flat:
        flatten(root, split)


# Which splits are flat, and the arguments of a split's ImageNet.
LAYOUTS = {
    'folders': ((), lambda root, split: dict(
        data_root=root, split=split, metainfo=dict(classes=CLASSES))),
    'val as the authors have it': (('val',), lambda root, split: dict(
        data_root=root, split=split, metainfo=dict(classes=CLASSES))),
    'both with a list, under the thousand names': (
        ('train', 'val'), lambda root, split: dict(data_root=root, split=split)),
    'list and folder named': (('train', 'val'), lambda root, split: dict(
        data_root=root, data_prefix=split, ann_file=f'meta/{split}.txt')),
    'prefix without a split': ((), lambda root, split: dict(
        data_root=root, data_prefix=split, classes=list(CLASSES))),
    'prefix as a dictionary': ((), lambda root, split: dict(
        data_root=root, data_prefix=dict(img_path=split), classes=list(CLASSES))),
    'prefix alone': ((), lambda root, split: dict(
        data_prefix=f'{root}/{split}', classes=list(CLASSES))),
    'names in a file': ((), lambda root, split: dict(
        data_root=root, split=split, classes=f'{root}/names.txt')),
    'names in a file of metainfo': ((), lambda root, split: dict(
        data_root=root, split=split, metainfo=dict(classes=f'{root}/names.txt'))),
}  # fmt: skip
