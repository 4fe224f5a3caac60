"""``compose``: a pair and a method, each one config file, make MMRazor's model."""

import copy
from pathlib import Path

from ..config_file import read_named
from ..errors import UserError
from .repeat import LEVEL, STAGE, repeated
from .replacing import Replacing
from .words import known_words, recorded_words, taps_of

SIDES = ('student', 'teacher')
# Where one of these occurs, a method wants equally many stages on both sides.
PER_STAGE = (STAGE, LEVEL, '.auxiliary')


def compose(pair: dict, method: dict) -> dict:
    """The ``model`` of a distillation, in nothing but MMRazor's own terms.

    Args:
        pair: as in ``configs/_base_/pairs``: ``teacher`` and ``student`` (paths of
            networks' configs, or ``package::path``), ``teacher_ckpt``, optionally
            ``num_classes`` where it is not the networks' own, and numbers that
            methods ask for (``dkd_beta``).
        method: as in ``configs/_base_/methods``: ``name``; ``losses``, MMRazor's
            ``distill_losses``; ``inputs``, its ``loss_forward_mappings``, but with
            a word of :mod:`.words` for each record; optionally

            - ``connectors``: an input that passes through one is
              ``dict(tap=WORD, connector=NAME)``;
            - ``ce_weight``: of the student's cross-entropy, 1 by default;
            - ``classifier``: type of both networks in place of their own;
            - ``teacher_ckpt``: in place of the pair's; ``{teacher}`` in it stands
              for the teacher's name;
            - ``distiller``: MMRazor's config as it is, in place of ``losses``,
              ``inputs`` and ``connectors``, not beside them.

            Keys of ``losses`` and ``inputs`` may hold the marks of :mod:`.repeat`.

    Returns:
        The config of a ``SingleTeacherDistill``, which takes the place of a ``model``
        that the config inherits; the arguments stay as they are.

    Raises:
        UserError: a network, word or number that does not exist, networks of
            unequal depth under a method that goes stage by stage, or a method that
            says its losses twice.
    """
    student = _network(pair, method, 'student')
    if 'ce_weight' in method:
        student['head']['loss']['loss_weight'] = method['ce_weight']
    return Replacing(
        _scope_='mmrazor',
        type='SingleTeacherDistill',
        architecture=Replacing(student),
        teacher=Replacing(_network(pair, method, 'teacher')),
        teacher_ckpt=_teacher_ckpt(pair, method),
        distiller=Replacing(_given(method) or _distiller(pair, method)),
    )


def _name(pair: dict, side: str) -> str:
    return Path(pair[side]).stem


def _teacher_ckpt(pair: dict, method: dict) -> str | None:
    if 'teacher_ckpt' in method:
        return method['teacher_ckpt'].format(teacher=_name(pair, 'teacher'))
    return pair['teacher_ckpt']


def _network(pair: dict, method: dict, side: str) -> dict:
    path = pair[side]
    try:
        config = read_named(path)
    except OSError as error:
        raise UserError(
            f'pair.{side}: there is no network config {path}; networks of this '
            'project are in configs/_base_/models'
        ) from error
    network = config.model.to_dict()
    network.setdefault('_scope_', 'mmpretrain')
    if 'num_classes' in pair:
        network['head']['num_classes'] = pair['num_classes']
    network['type'] = method.get('classifier', network['type'])
    return network


def _given(method: dict) -> dict | None:
    given = copy.deepcopy(method.get('distiller'))
    beside = [key for key in ('losses', 'inputs', 'connectors') if key in method]
    if given and beside:
        raise UserError(
            f'method {method["name"]}: distiller stands in place of '
            f'{", ".join(beside)}, not beside them; if it is inherited, write '
            'method = dict(_delete_=True, ...)'
        )
    return given


def _distiller(pair: dict, method: dict) -> dict:
    name = {side: _name(pair, side) for side in SIDES}
    num_stages = _num_stages(name, method)
    recorded = {side: recorded_words(name[side]) for side in SIDES}
    known = {side: known_words(name[side]) for side in SIDES} | {'pair': pair}

    recorders: dict[str, dict] = {side: {} for side in SIDES}
    mappings: dict[str, dict] = {}
    for loss, inputs in repeated(method['inputs'], num_stages).items():
        mappings[loss] = {}
        for argument, tap in inputs.items():
            through = {}
            if isinstance(tap, dict):
                tap, through = tap['tap'], dict(connector=tap['connector'])
            recorder = dict(_look_up(tap, recorded, method))
            side, _, word = tap.partition('.')
            key = word.replace('.', '_')
            recorders[side][key] = {k: recorder.pop(k) for k in ('type', 'source')}
            # What is left of it are the indices of the record.
            mappings[loss][argument] = dict(
                recorder=key, from_student=side == 'student', **recorder, **through
            )
    losses = repeated(method['losses'], num_stages)
    return dict(
        type='ConfigurableDistiller',
        student_recorders=recorders['student'],
        teacher_recorders=recorders['teacher'],
        connectors=_filled(method.get('connectors', {}), known, method),
        distill_losses=_filled(losses, known, method),
        loss_forward_mappings=mappings,
    )


def _num_stages(name: dict[str, str], method: dict) -> int:
    student, teacher = (len(taps_of(name[side])['stages']) for side in SIDES)
    if student != teacher and any(mark in str(method) for mark in PER_STAGE):
        raise UserError(
            f'method {method["name"]} goes stage by stage, but of the pair '
            f'{name["teacher"]}-{name["student"]} the teacher has {teacher} stages and '
            f'the student {student}; take another method or pair'
        )
    return student


def _filled(value, known: dict, method: dict):
    """``value`` with the numbers that words such as ``pair.dkd_beta`` stand for."""
    if isinstance(value, dict):
        return {key: _filled(part, known, method) for key, part in value.items()}
    if isinstance(value, str) and value.partition('.')[0] in known:
        return _look_up(value, known, method)
    return value


def _look_up(tap: str, offered: dict[str, dict], method: dict):
    owner, _, word = tap.partition('.')
    if word in offered.get(owner, {}):
        return offered[owner][word]
    there = offered.get(owner, [f'{side}.WORD' for side in offered])
    raise UserError(
        f'method {method["name"]}: there is no {tap!r} in this pair; there is '
        f'{", ".join(there)}'
    )
