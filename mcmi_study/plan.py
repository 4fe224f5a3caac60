"""From a study to its cells: arms x grid x seeds, each of them an ordinary run."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mcmi_plugin.cells.arms import paired_seeds
from mcmi_plugin.cells.cell import Cell, slug
from mcmi_plugin.checks.work_dir import check_work_dir
from mcmi_plugin.errors import UserError
from mcmi_plugin.locations import CONFIGS
from mcmi_plugin.overrides import as_words
from mcmi_plugin.provenance import fingerprint, versions
from mcmi_study import checks
from mcmi_study.bases import SPECIAL, Bases
from mcmi_study.content import named_measures, read_content
from mcmi_study.names import require_known, separated
from mcmi_study.options import filled, layered

# The engine's own: whoever sets them would unpair the seeds.
OWN_KEYS = ('randomness.seed', 'mcmi.seed', 'mcmi.teacher_dir', 'work_dir', *SPECIAL)


@dataclass(frozen=True)
class Study:
    """What a run of ``tools/study.py`` does, all checked."""

    content: dict  # the study's config as plain values, ``arms`` as a dict
    scale: str
    arms: list[str]  # of this run, the controls among them
    grid: dict[str, list[str]]  # names in this run by axis
    cells: list[Cell]  # seed by seed, so that pairs are complete early
    work_dir: Path  # of cells, teachers and report

    @property
    def measures(self) -> dict[str, dict]:
        """{name: arguments}."""
        return named_measures(self.content)

    @property
    def compared(self) -> list[str]:
        """The measures that arms are compared by."""
        return self.content.get('compare') or [next(iter(self.measures))]


def read_study(
    path: str,
    scale: str,
    work_dir: str | None = None,
    arms: list[str] | None = None,
    grid: dict[str, list[str] | str] | None = None,
    seeds: int | None = None,
    options: dict | None = None,
) -> Study:
    """Read a study's config and check all that can be checked before training.

    Args:
        work_dir: by default ``work_dirs/study/NAME/SCALE``.
        arms, grid, seeds: in place of the scale's choice of names, and their number;
            the controls come along, and an axis that is not named stays as the scale
            has it. Names of an axis may be one string, ``'A,B'``.
        options: for all cells, over everything that the study says.

    Raises:
        UserError: a name that is not there, names that collide, no controls, a test
            set that something is chosen by, missing data, or a cell's own config.
    """
    content = read_content(path)
    require_known(scale, content['scales'], 'scale', path)
    chosen = {'seeds': 1, 'options': {}, **content['scales'][scale]}
    picked = {**(chosen.get('grid') or {}), **(grid or {})}
    axes = content['grid']
    for axis, names in picked.items():
        require_known(axis, axes, 'axis', f'{path}: grid')
        if isinstance(names, str):
            picked[axis] = names = separated(names, axes[axis])
        for name in names:
            require_known(name, axes[axis], 'value', f'{path}: grid.{axis}')
    of_all = {axis: list(picked.get(axis) or axes[axis]) for axis in axes}
    arms = list(arms or chosen.get('arms') or content['arms'])
    for name in arms:
        require_known(name, content['arms'], 'arm', path)
    controls = {content.get('baseline'), content.get('control')}
    arms = [name for name in content['arms'] if name in controls or name in arms]
    seeds = chosen['seeds'] if seeds is None else seeds
    if not isinstance(seeds, int) or seeds < 1:
        raise UserError(f'{path}: seeds={seeds!r}: must be a whole number from 1 on')

    folder = Path(work_dir or Path('work_dirs/study', Path(path).stem, scale))
    check_work_dir(str(folder))
    try:
        as_words({'index_file': folder.as_posix()}, '')  # of a study's own choice
    except UserError as error:
        raise UserError(
            f'--work-dir {folder}: no cell could be run by hand, as --cfg-options '
            'cannot say such a folder; name one without commas, quotes, brackets'
        ) from error
    bases = Bases(Path(path).parent, folder / 'configs')
    cells = []
    for point in itertools.product(*of_all.values()):
        where = dict(zip(of_all, point, strict=True))
        differing = [axes[axis][name] for axis, name in where.items()]
        for seed, arm in itertools.product(range(seeds), arms):
            layers = [*differing, content['arms'][arm]]
            _check_own(options or {}, layers, path)
            layers = [chosen['options'], *layers, options or {}]
            default = chosen.get('config')
            cells.append(_cell(where, arm, seed, layers, default, bases, folder))
    study = Study(content, scale, arms, of_all, cells, folder)
    checks.check_cells([cell for cell in cells if cell.seed == 0], content)
    return study


def _check_own(options: dict, layers: Iterable[dict], path: str) -> None:
    """``options`` of the command line leave alone what makes cells differ."""
    own = [*OWN_KEYS, *layered(*layers)]
    for key in options:
        for other in own:
            if f'{key}.'.startswith(f'{other}.') or f'{other}.'.startswith(f'{key}.'):
                raise UserError(
                    f'--cfg-options {key}: cells of {path} differ in {other}, which '
                    'the study itself sets; change it there'
                )


def _cell(
    grid: dict[str, str],
    arm: str,
    seed: int,
    layers: list[dict],
    default: str | None,
    bases: Bases,
    work_dir: Path,
) -> Cell:
    where = ', '.join([*(f'{axis} {name}' for axis, name in grid.items()), arm])
    own = {**paired_seeds(seed), 'mcmi.teacher_dir': '{study_dir}/teachers'}
    options = layered(own, *layers)
    config, base = bases.find(
        {key: options.pop(key) for key in SPECIAL if key in options}, default, where
    )
    if base.get('mcmi') is None and not any(
        key.startswith('mcmi.') for layer in layers[1:] for key in layered(layer)
    ):  # a student without a teacher, or its MLL teacher as it is
        options = {k: v for k, v in options.items() if not k.startswith('mcmi.')}
    options = filled(options, dict(grid, seed=seed))
    # The same cell in another folder, or of a project that was moved, is the same cell.
    placeless = json.dumps(base, sort_keys=True, default=str)
    # Links and all: mmengine names a config's folder as it was asked for.
    for place in (bases.study_dir.absolute(), bases.study_dir.resolve(), CONFIGS):
        placeless = placeless.replace(place.as_posix(), '')
    made_by = fingerprint(dict(config=placeless, options=options, versions=versions()))
    options = filled(options, dict(study_dir=work_dir.as_posix()))
    folder = '_'.join(f'{slug(axis)}-{slug(name)}' for axis, name in grid.items())
    directory = work_dir / 'cells' / folder / slug(arm) / f'seed{seed}-{made_by[:12]}'
    words = as_words(options, where)
    return Cell(grid, arm, seed, config, options, words, directory, made_by)
