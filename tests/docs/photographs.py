"""Ten folders of small photographs, cut out of those that scikit-learn brings along."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

# Ten of ImageNet's folders; what they are called there is not what is seen here.
FOLDERS = (
    'n01440764', 'n02102040', 'n02979186', 'n03000684', 'n03028079',
    'n03394916', 'n03417042', 'n03425413', 'n03445777', 'n03888257',
)  # fmt: skip
COUNTS = dict(train=4, val=2)


def write_photographs(root: Path) -> None:
    """Write ``root/{train,val}/CLASS/*``: a class is a place in one of two photographs.

    48 pixels high and 64 wide, JPEG; of every class one is a PNG with another ending.
    """
    rng = np.random.default_rng(0)
    photographs = [load_sample_image(f'{name}.jpg') for name in ('china', 'flower')]
    for label, name in enumerate(FOLDERS):
        photograph = photographs[label % 2]
        left = 100 * (label // 2)
        for split, count in COUNTS.items():
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                x, y = left + rng.integers(0, 100), rng.integers(100, 300)
                picture = Image.fromarray(photograph[y : y + 48, x : x + 64])
                ending = 'png' if index == 0 else 'jpg'
                picture.save(folder / f'{index}.{ending}')
