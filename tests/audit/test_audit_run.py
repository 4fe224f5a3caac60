"""The checkpoints of one run side by side."""

import json

import pytest
import torch
from PIL import Image
from rich.console import Console
from small_teacher import write_teacher

from mcmi_plugin.audit.command import audit, default_folder
from mcmi_plugin.audit.run import run_table, saved_states
from mcmi_plugin.errors import UserError
from mcmi_plugin.job_config import job_config


@pytest.fixture
def inputs(tmp_path, project):
    """Three epochs of a made-up run: the same network, ever surer of itself."""
    made = write_teacher(tmp_path, project)
    run = tmp_path / 'run'
    run.mkdir()
    for epoch, factor in ((2, 1.0), (10, 4.0), (1, 0.1)):
        state = dict(made.state)
        for name in ('head.fc.weight', 'head.fc.bias'):
            state[name] = factor * state[name]
        torch.save(dict(state_dict=state), run / f'epoch_{epoch}.pth')
    (run / 'last_checkpoint').write_text(str(run / 'epoch_10.pth'))
    return made


def test_each_epoch_is_audited_and_the_best_are_marked(inputs, tmp_path, command):
    done = command('audit_teacher.py', 'mlp.py', 'run')

    written = tmp_path / 'work_dirs/audit/mlp-run'
    found = json.loads((written / 'audit.json').read_text())
    assert [state['step'] for state in found['states']] == [1, 2, 10]
    best = {
        key: max(found['states'], key=lambda state: state['val'][key])['step']
        for key in ('ll', 'cmi')
    }
    assert found['chosen'] == best and best['ll'] == 1 and best['cmi'] != 1
    assert (
        f'Held-out LL chooses epoch 1, held-out CMI epoch {best["cmi"]}' in done.stdout
    )
    assert '5391 of 5391 samples' in done.stdout  # three times the digits
    page = (written / 'audit.html').read_text()
    for row in run_table(found).rows:
        assert all(cell in done.stdout and cell in page for cell in row)
    assert [row[-1] for row in run_table(found).rows][0] == 'LL'
    assert Image.open(written / 'run.png').size == (800, 640)
    assert sorted(path.name for path in written.iterdir()) == [
        'audit.html', 'audit.json', 'run.png',
    ]  # fmt: skip

    # An epoch's figures are those of an audit of its file.
    cfg = job_config(str(inputs.config), {})
    with open('/dev/null', 'w') as nowhere:
        alone = audit(cfg, str(tmp_path / 'run/epoch_2.pth'), Console(file=nowhere))
    for split in ('train', 'val'):
        assert found['states'][1][split] == json.loads(json.dumps(alone[split]))


def test_one_checkpoint_is_no_run(tmp_path):
    torch.save({}, tmp_path / 'epoch_3.pth')
    (tmp_path / 'best_accuracy_epoch_3.pth').write_bytes(b'')
    with pytest.raises(UserError, match=r'has 1 of epoch_N\.pth.*max_keep_ckpts=-1'):
        saved_states(str(tmp_path))


def test_no_two_runs_of_a_config_are_audited_into_one_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ('kd_lr0.1', 'kd_lr0.05')
    for name in names:
        (tmp_path / name).mkdir()
    given = [f'{name}{file}' for name in names for file in ('', '/epoch_9.pth')]
    given += ['student://kd_lr0.1/epoch_9.pth', 'kd_lr0.1/epoch_10.pth']
    given += ['kd_lr0.1/best_accuracy_top1_epoch_9.pth', 'kd_lr0.1/teacher.pth']
    found = [default_folder('c.py', checkpoint) for checkpoint in given]
    assert found[:3] == [
        f'work_dirs/audit/c-kd_lr0.{end}' for end in ('1', '1-epoch_9', '05')
    ]
    of_teacher = found.pop()  # what this folder is, and not one more
    assert of_teacher == found[0] and len(set(found)) == len(found)
    assert default_folder('c.py', 'kd_lr0.1/') == found[0]
    monkeypatch.chdir('kd_lr0.05')
    assert default_folder('c.py', '.') == found[2]
    assert default_folder('c.py', 'epoch_9.pth') == found[3]
