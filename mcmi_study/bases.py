"""The config that a cell starts from: one that is there, or a pair and a method."""

from pathlib import Path

from mcmi_plugin.config_file import read_config
from mcmi_plugin.errors import UserError
from mcmi_plugin.locations import CONFIGS
from mcmi_plugin.whole_file import whole_file

SPECIAL = ('config', 'pair', 'method')

COMPOSED = """_base_ = [{pair!r}, {method!r}]

from mcmi_plugin.distill import compose

model = compose(_base_.pair, _base_.method)
mcmi = _base_.pair.get('mcmi')
"""


class Bases:
    """Configs by what a study says of them; each is read once.

    Paths are relative to ``study_dir``; configs that join a pair and a method go into
    the folder ``written``.
    """

    def __init__(self, study_dir: Path, written: Path) -> None:
        self.study_dir = study_dir
        self.written = written
        self._read: dict[str, dict] = {}

    def find(self, said: dict, default: str | None, where: str) -> tuple[str, dict]:
        """Path and content of the config for a cell, whose special keys ``said`` has.

        Raises:
            UserError: no config is named, or it is not there or cannot be read.
        """
        if len(said) == 1 and 'config' not in said or len(said) == 3:
            raise UserError(
                f'{where}: has {" and ".join(said)}; give pair and method, or config'
            )
        if 'pair' in said:
            found = self._compose(said['pair'], said['method'], where)
        elif (config := said.get('config', default)) is None:
            raise UserError(f'{where}: neither config nor pair and method are set')
        else:
            found = self.study_dir / config
        path = str(found)
        if path not in self._read:
            self._read[path] = read_config(path, where).to_dict()
        return path, self._read[path]

    def _compose(self, pair: str, method: str, where: str) -> Path:
        parts = {}
        for kind, name in (('pair', pair), ('method', method)):
            path = CONFIGS / '_base_' / f'{kind}s' / f'{name}.py'
            if name.endswith('.py'):
                path = (self.study_dir / name).resolve()
            if not path.is_file():
                raise UserError(f'{where}: there is no {kind} {path}')
            parts[kind] = path
        composed = self.written / f'{parts["pair"].stem}_{parts["method"].stem}.py'
        text = COMPOSED.format(**{kind: str(path) for kind, path in parts.items()})
        if not composed.is_file() or composed.read_text() != text:
            with whole_file(composed, 'w') as file:
                file.write(text)
        return composed
