"""Let CIFAR10 and CIFAR100 read the official files, and never download them."""

import functools


def mend_cifar() -> None:
    """Replace how mmpretrain's ``CIFAR10`` and ``CIFAR100`` load their data.

    What upstream does: where a file is missing or damaged, in the folder or in
    the archive, it downloads, over a damaged archive and into a folder made for
    a mistyped path; other processes wait meanwhile. Without a network this ends
    in a bare URLError. It unpacks and unpickles whatever the files ask for, and
    wants the files of both splits to read one.

    That its loading is replaced is a decision, not a repair: it stays whatever
    upstream does. mmpretrain's own classes are changed, because the configs that
    mmpretrain and MMRazor ship name them.

    And MMRazor's configs validate with ``test_mode=True`` and no ``split``, which
    meant the test set in mmcls; in mmpretrain it is the training set. A ``split``
    that is given counts as ever.
    """
    from mmpretrain.datasets import CIFAR10

    CIFAR10.load_data_list = load_data_list
    CIFAR10.__init__ = testing_on_test_set(CIFAR10.__init__)


def load_data_list(self) -> list[dict]:
    """``CIFAR10.load_data_list``: the ``img`` and ``gt_label`` of every sample."""
    from mcmi_plugin.datasets.cifar import read_split

    loader = 'train_dataloader' if self.split == 'train' else 'val_dataloader'
    place = 'data_root' if self.data_root else 'data_prefix'
    images, labels = read_split(
        type(self), self.data_prefix['root'], self.split, f'{loader}.dataset.{place}'
    )
    return [
        dict(img=image, gt_label=label)
        for image, label in zip(images, labels.tolist(), strict=True)
    ]


def testing_on_test_set(init):
    @functools.wraps(init)
    def init_on_test_set(self, *args, **kwargs) -> None:
        if kwargs.get('test_mode') and len(args) < 2:  # split is the second
            kwargs.setdefault('split', 'test')
        init(self, *args, **kwargs)

    return init_on_test_set
