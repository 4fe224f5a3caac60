"""Which config of a work dir is that of its run."""

import os

from mmengine.config import Config

from mcmi_plugin.export.work_dir import find_config
from mcmi_plugin.report.work_dir import read_runs


def test_report_and_export_take_the_config_of_the_last_training(tmp_path):
    """A test in the same work dir leaves its config too, over the training's own."""
    training = dict(model=dict(type='Net', depth=20), train_cfg=dict(max_epochs=1))
    dumps = [
        tmp_path / f'{part}/vis_data/config.py'
        for part in ('20260101_000000', '20260102_000000', '20260103_000000')
    ]
    for dump, content in zip(
        dumps,
        (
            dict(training, model=dict(type='Net', depth=8)),
            training,
            dict(model=dict(type='Net', depth=56), train_cfg=None),
        ),
        strict=True,
    ):
        dump.parent.mkdir(parents=True)
        Config(content).dump(dump)
        Config(content).dump(tmp_path / 'mine.py')
    (run,) = read_runs([tmp_path])
    assert run.config.model.depth == 20
    assert find_config(tmp_path) == dumps[1]


def test_without_a_record_export_takes_the_newest(tmp_path):
    """mmengine logs elsewhere where the config's vis_backends say so."""
    for time, name in enumerate(('b.py', 'a.py', 'c.py')):
        (tmp_path / name).write_text('')
        os.utime(tmp_path / name, (time, time % 2))
    assert find_config(tmp_path) == tmp_path / 'a.py'
