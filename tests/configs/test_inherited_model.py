"""``compose`` in a config that inherits a model: it replaces it, nothing is merged."""

from pathlib import Path

import pytest
from combinations import BASE, CONFIGS, METHODS
from mmengine.config import Config

from mcmi_plugin.config_file import read_config
from mcmi_plugin.distill import compose
from mcmi_plugin.errors import UserError

KD = CONFIGS / 'distill/r56_r20_kd.py'
CHILD = """_base_ = {base!r}
from mmengine.config import Config
from mcmi_plugin.distill import compose
new = Config.fromfile({method!r}).method
model = {model}
"""


def child_of(
    folder: Path, base: Path, name: str, model: str = 'compose(_base_.pair, new)'
) -> Path:
    path = folder / f'{name}_instead.py'
    method = str(BASE / f'methods/{name}.py')
    path.write_text(CHILD.format(base=str(base), method=method, model=model))
    return path


def composed(name: str) -> dict:
    method = Config.fromfile(BASE / f'methods/{name}.py').method
    return compose(Config.fromfile(KD).pair, method).to_dict()


@pytest.mark.parametrize('name', METHODS)
def test_another_method_over_an_inherited_one(name: str, tmp_path: Path) -> None:
    cfg = read_config(child_of(tmp_path, KD, name))

    assert cfg.model.to_dict() == composed(name)
    cfg.dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py')
    assert dumped.to_dict() == cfg.to_dict()
    # A config that inherits the dump, and composes once more.
    again = Config.fromfile(child_of(tmp_path, tmp_path / 'dumped.py', 'pkt'))
    assert again.model.to_dict() == composed('pkt')


def test_what_is_composed_can_be_changed_before_and_after(tmp_path: Path) -> None:
    changed = "dict(compose(_base_.pair, new), teacher_ckpt='mine.pth')"
    path = child_of(tmp_path, KD, 'sp', changed)
    model = Config.fromfile(path).model
    assert model.to_dict() == dict(composed('sp'), teacher_ckpt='mine.pth')

    # As ever: a child of it changes single keys.
    grandchild = tmp_path / 'grandchild.py'
    loss = 'distill_losses=dict(loss_sp=dict(loss_weight=1.0))'
    grandchild.write_text(
        f'_base_ = {str(path)!r}\nmodel = dict(distiller=dict({loss}))\n'
    )
    losses = Config.fromfile(grandchild).model.distiller.distill_losses
    assert losses.to_dict() == dict(loss_sp=dict(type='SPLoss', loss_weight=1.0))


def test_losses_said_twice() -> None:
    pair, kd = Config.fromfile(KD).pair, Config.fromfile(KD).method
    sp = Config.fromfile(BASE / 'methods/sp.py').method
    # What mmengine makes of `method = dict(...)` over an inherited method.
    with pytest.raises(UserError, match='SP: distiller stands in place of losses, inp'):
        compose(pair, {**kd, **sp})
