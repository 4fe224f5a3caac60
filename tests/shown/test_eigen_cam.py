"""The pictures under a map are seen in their own colours."""

import pytest
import torch
from mmengine.model import ImgDataPreprocessor
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.structures import DataSample

from mcmi_plugin.shown.eigen_cam import pictures_of

NORMALISED = dict(mean=[0] * 3, std=[1] * 3)


@pytest.mark.parametrize(
    'preprocessor, seen',
    [
        (ClsDataPreprocessor(to_rgb=True, **NORMALISED), [0, 0, 255]),
        (ImgDataPreprocessor(bgr_to_rgb=True, **NORMALISED), [0, 0, 255]),
        (ClsDataPreprocessor(**NORMALISED), [255, 0, 0]),  # read as RGB
        (ImgDataPreprocessor(**NORMALISED), [255, 0, 0]),
    ],
)
def test_a_file_is_decoded_from_its_blue_on(preprocessor, seen):
    first = torch.zeros(3, 4, 4, dtype=torch.uint8)
    first[0] = 255
    sample = dict(inputs=first, data_samples=DataSample())
    images, _ = pictures_of([sample], [0], preprocessor)
    assert images[0, 0, 0].tolist() == seen
