"""A run that was begun without ``fast`` goes on with it, and the reverse."""

import pytest
import torch

from mcmi_plugin.commands import train
from mcmi_plugin.job_config import job_config
from mcmi_plugin.weights.file import load_checkpoint_file

CONFIG = """
_base_ = '{configs}/mcmi/quickstart_digits.py'
mcmi = None
small = dict(
    backbone=dict(stem_channels=8, base_channels=8), head=dict(in_channels=64))
model = dict(architecture=small, teacher=small, teacher_ckpt='{teacher}')
train_dataloader = dict(batch_size=32, dataset=dict(indices=64))
val_dataloader = dict(batch_size=64, dataset=dict(indices=64))
"""


@pytest.fixture
def config(project, tmp_path):
    """A config whose student and teacher are small, with a trained teacher."""
    path = tmp_path / 'small.py'
    text = CONFIG.replace('{configs}', str(project / 'configs'))
    path.write_text(text.replace('{teacher}', str(tmp_path / 'teacher.pth')))
    cfg = job_config(str(path), {}, str(tmp_path / 'unused'))
    from mmengine.registry import MODELS

    teacher = MODELS.build(cfg.model.teacher)
    torch.save(dict(state_dict=teacher.state_dict()), tmp_path / 'teacher.pth')
    return path


def student_after(config, folder, epochs, fast, resume=False, **options):
    options = {'train_cfg.max_epochs': epochs, 'fast': fast, **options}
    cfg = job_config(str(config), options, str(folder))
    cfg.experiment_name = f'{folder.name}-{epochs}-{fast}'.replace('/', '_')
    cfg.log_level = 'ERROR'
    train(cfg, resume=resume)
    return load_checkpoint_file(folder / f'epoch_{epochs}.pth')


@pytest.mark.parametrize('fast', [True, False])
def test_it_goes_on_with_the_other_path(config, tmp_path, fast):
    folder = tmp_path / 'a'
    begun = student_after(config, folder, 1, fast=not fast)
    ended = student_after(config, folder, 2, fast=fast, resume=True)
    whole = student_after(config, tmp_path / 'b', 2, fast=fast)
    # The numbers of the parameters are the other path's, what they have is theirs.
    sizes = [
        len(checkpoint['optimizer']['param_groups'][0]['params'])
        for checkpoint in (begun, ended, whole)
    ]
    assert sizes[0] != sizes[1] == sizes[2]
    states = [checkpoint['optimizer']['state'] for checkpoint in (ended, whole)]
    assert states[0].keys() == states[1].keys()
    for name, value in whole['state_dict'].items():
        found = ended['state_dict'][name]
        assert torch.allclose(found, value, rtol=1e-3, atol=1e-4), name
    for number, state in states[1].items():
        buffer = states[0][number]['momentum_buffer']
        assert torch.allclose(buffer, state['momentum_buffer'], rtol=0.02, atol=1e-3)
