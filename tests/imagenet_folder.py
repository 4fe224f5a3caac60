"""A small folder in ImageNet's layout, and the overrides that make configs use it."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ('cat', 'dog', 'emu', 'fox')
COUNTS = dict(train=(3, 2, 2, 2), val=(2, 1, 1, 1))  # uneven over two processes


def write_folder(root: Path) -> None:
    """Write ``root/{train,val}/CLASS/*.jpg`` of random pixels."""
    rng = np.random.default_rng(0)
    for split, counts in COUNTS.items():
        for name, count in zip(CLASSES, counts, strict=True):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 256, (70, 64, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f'{index}.jpg')


def overrides(root: str) -> list[str]:
    """``--cfg-options`` for four classes in ``root``, one epoch, no workers."""
    options = [
        'train_cfg.max_epochs=1',
        'model.teacher.head.num_classes=4',
        'model.architecture.head.num_classes=4',
        'val_evaluator.topk=1',
        'test_evaluator.topk=1',
    ]
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        options += [
            f'{loader}.batch_size=4',
            f'{loader}.num_workers=0',
            f'{loader}.dataset.data_root={root}',
            f'{loader}.dataset.metainfo.classes={",".join(CLASSES)}',
        ]
    return options
