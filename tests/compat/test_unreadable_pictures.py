"""A picture that cannot be decoded is named, whatever the decoder."""

import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmpretrain.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader

from mcmi_plugin.faults.files import file_at_fault

BACKENDS = ['cv2', 'pillow']


@pytest.fixture
def folder(tmp_path):
    for name in ('cat', 'dog'):
        (tmp_path / name).mkdir()
        pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name / '0.png')
    return tmp_path


def damaged(folder, how: str):
    path = folder / 'dog/0.png'
    whole = path.read_bytes()
    path.write_bytes(dict(empty=b'', text=b'no picture', cut=whole[:40])[how])
    return path


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize(
    ('how', 'workers'), [('empty', 0), ('text', 0), ('cut', 0), ('cut', 1)]
)
def test_a_picture_that_is_none(how, backend, workers, folder):
    path = damaged(folder, how)
    pipeline = [dict(type='LoadImageFromFile', imdecode_backend=backend)]
    dataset = DATASETS.build(
        dict(type='CustomDataset', data_root=str(folder), pipeline=pipeline)
    )
    with pytest.raises(Exception, match=r'dog/0\.png') as caught:
        list(DataLoader(dataset, batch_size=None, num_workers=workers, collate_fn=id))
    fault = file_at_fault(caught.value)
    assert str(fault).startswith(f'{path}: cannot be read as a picture; ')
    assert '\n' not in str(fault)


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_file_that_is_not_there_is_said_to_be_that(backend, folder):
    with pytest.raises(FileNotFoundError):
        LoadImageFromFile(imdecode_backend=backend)(dict(img_path=f'{folder}/none.png'))


def test_empty_ones_may_be_passed_over(folder):
    path = damaged(folder, 'empty')
    assert LoadImageFromFile(ignore_empty=True)(dict(img_path=str(path))) is None
    good = LoadImageFromFile()(dict(img_path=str(folder / 'cat/0.png')))
    assert good['img'].shape == (20, 20, 3)
