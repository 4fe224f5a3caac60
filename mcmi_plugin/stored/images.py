"""The images of chosen rows, as the pipeline that is trained with makes them."""

from collections.abc import Iterator
from typing import Any

from mmengine.dataset import default_collate
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mcmi_plugin.datasets.recorded import WANTED
from mcmi_plugin.datasets.subset import pipeline_of
from mcmi_plugin.errors import UserError
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.views import images_of

_BATCH = 256


class ViewsOfImages(Dataset):
    """Every view of every image, [image * views + view]; :func:`record_views` first."""

    def __init__(self, dataset: Any, num_views: int) -> None:
        self.images, self.num_views = images_of(dataset), num_views
        self.pipeline = pipeline_of(dataset)

    def __len__(self) -> int:
        return len(self.images) * self.num_views

    def __getitem__(self, number: int) -> dict:
        image, view = divmod(int(number), self.num_views)
        info = self.images.get_data_info(image)
        found = self.pipeline({**info, WANTED: view})
        if found is None:
            raise UserError(f'sample {image} of the training set cannot be read')
        return found


def batches_of(
    answers: Answers, dataset: Any, numbers: Tensor, workers: int
) -> Iterator[tuple[Tensor, list]]:
    """Images and data samples as the networks take them.

    Args:
        answers: whose table has the rows.
        dataset: that is trained on, whose samples tell their views.
        numbers: [R] of the rows.
        workers: processes that make the images.
    """
    views = ViewsOfImages(dataset, answers.table.num_views)
    loader = DataLoader(
        views,
        _BATCH,
        sampler=numbers.tolist(),
        num_workers=workers,
        collate_fn=default_collate,
    )
    for batch in loader:
        data = answers.model.data_preprocessor(batch, True)
        yield data['inputs'], data['data_samples']
