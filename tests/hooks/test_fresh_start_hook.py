"""The line that says how to continue the run that another one has replaced."""

from types import SimpleNamespace

from mcmi_plugin.hooks import fresh_start_hook
from mcmi_plugin.hooks.fresh_start_hook import FreshStartHook


def test_the_checkpoint_it_names_is_where_a_moved_folder_has_it(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(fresh_start_hook, 'log_warning', said.append)
    (tmp_path / 'epoch_2.pth').touch()
    (tmp_path / 'last_checkpoint').write_text('/gone/job/epoch_2.pth')
    runner = SimpleNamespace(work_dir=str(tmp_path), _resume=False, hooks=[])
    FreshStartHook().before_run(runner)
    (line,) = said
    assert f'--resume {tmp_path}/epoch_2.pth ' in line
    (aside,) = tmp_path.glob('last_checkpoint.*')
    assert aside.read_text() == '/gone/job/epoch_2.pth'
