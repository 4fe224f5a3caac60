"""Let MNIST and FashionMNIST read their files packed or not, and download nothing."""

from mcmi_plugin.compat.cifar import testing_on_test_set


def mend_mnist() -> None:
    """Replace how mmpretrain's ``MNIST`` and ``FashionMNIST`` load their data.

    What upstream does: it knows the four files unpacked only; where one is missing,
    of whichever split, it downloads all of them into the folder, from addresses that
    no longer answer, and without a network ends in a bare URLError. And it reads the
    test set for ``test_mode=True`` alone: with ``split='test'`` it gives out the
    training set, with ``split='train'`` and ``test_mode=True`` the test set, while it
    warns that the training set is used.

    That nothing is downloaded is a decision, not a repair, as for CIFAR: it stays
    whatever upstream does. Here ``split`` says which set is read, as the docstring
    upstream has it, and ``test_mode=True`` without a ``split`` means the test set.
    """
    from mmpretrain.datasets import MNIST

    MNIST.load_data_list = load_data_list
    MNIST.__init__ = testing_on_test_set(MNIST.__init__)


def load_data_list(self) -> list[dict]:
    """``MNIST.load_data_list``: the ``img`` and ``gt_label`` of every sample."""
    from mcmi_plugin.datasets.mnist import read_split

    loader = 'train_dataloader' if self.split == 'train' else 'val_dataloader'
    place = 'data_root' if self.data_root else 'data_prefix'
    images, labels = read_split(
        type(self), self.data_prefix['root'], self.split, f'{loader}.dataset.{place}'
    )
    return [
        dict(img=image, gt_label=label)
        for image, label in zip(images, labels.tolist(), strict=True)
    ]
