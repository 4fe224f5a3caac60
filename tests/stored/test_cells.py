"""Cells of a study or sweep share what their teacher answers, and nothing changes."""

import json
from pathlib import Path

import pytest
import torch
from small import job_file

from mcmi_plugin.cells.cell import Cell, run_cell
from mcmi_plugin.commands import train
from mcmi_plugin.isolation import isolated
from mcmi_plugin.job_config import job_config
from mcmi_plugin.last_checkpoint import find_whole_checkpoint
from mcmi_plugin.stored.agreement import RECORD


@pytest.fixture
def base(tmp_path, project):
    return str(job_file(tmp_path, project, epochs=2, images=96))


def student(folder):
    state = torch.load(find_whole_checkpoint(folder), weights_only=True)['state_dict']
    return {k: v for k, v in state.items() if k.startswith('architecture.')}


def test_they_share_and_are_the_same(tmp_path, base):
    shares = []
    for seed in (0, 1):
        options = {
            'randomness.seed': seed,
            'mcmi.teacher_dir': str(tmp_path / 'teachers'),
        }
        folder = tmp_path / f'cells/seed{seed}'
        cell = Cell({}, 'arm', seed, base, options, [], folder, 'print')
        run_cell(cell, {}, {})
        record = json.loads((folder / RECORD).read_text())
        shares.append(record['found'] / record['asked'])
        assert Path(record['folder']).parent == tmp_path / 'teacher_outputs'
    assert shares == [0.5, 1]
    with isolated():  # the second one by hand, with the live teacher
        options['teacher_store'] = False
        train(job_config(base, options, str(tmp_path / 'by_hand')))
    by_hand, cell = student(tmp_path / 'by_hand'), student(folder)
    assert all(torch.equal(value, by_hand[name]) for name, value in cell.items())
