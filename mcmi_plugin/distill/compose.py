"""``compose``: a pair and a method, each one config file, make MMRazor's model."""

import copy
import functools
from collections.abc import Callable
from pathlib import Path

from ..config_file import read_network
from ..errors import UserError
from ..type_names import short_name
from .network_taps import taps_of
from .own_network import set_classes, take_hard_labels, weigh
from .repeat import LEVEL, STAGE, repeated
from .replacing import Replacing
from .words import known_words, recorded_words

SIDES = ('student', 'teacher')
# Where one of these occurs, a method wants equally many stages on both sides.
PER_STAGE = (STAGE, LEVEL, '.auxiliary')


def compose(pair: dict, method: dict) -> dict:
    """The ``model`` of a distillation, in nothing but MMRazor's own terms.

    Args:
        pair: as in ``configs/_base_/pairs``: ``teacher`` and ``student`` (paths of
            networks' configs, or ``package::path``), optionally ``teacher_ckpt``,
            ``num_classes`` where it is not the networks' own, ``taps`` and
            ``input_shape`` (see :func:`.network_taps.taps_of`), and numbers that
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
              ``inputs`` and ``connectors``, not beside them; a recorder in it may be
              a word, without its side.

            Keys of ``losses`` and ``inputs`` may hold the marks of :mod:`.repeat`.

    Returns:
        The config of a ``SingleTeacherDistill``, which takes the place of a ``model``
        that the config inherits; the arguments stay as they are.

    Raises:
        UserError: a key, network, word or number that does not exist, networks of
            unequal depth under a method that goes stage by stage, or a method that
            says its losses twice.
    """
    for side in SIDES:
        if side not in pair:
            raise UserError(f'pair.{side} is not set; name the config of a network')
    for key in ('name', *(() if method.get('distiller') else ('losses', 'inputs'))):
        if key not in method:
            raise UserError(f'method.{key} is not set; a method has it: _base_/methods')
    own = {side: _read(pair, side) for side in SIDES}

    @functools.cache
    def taps(side: str) -> dict:
        return taps_of(pair, side, own[side])

    distiller = _given(method, taps) or _distiller(pair, method, taps)
    networks = {side: _network(pair, method, side, own[side]) for side in SIDES}
    if 'ce_weight' in method:
        weigh(networks['student'], method['ce_weight'], f'method {method["name"]}')
    return Replacing(
        _scope_='mmrazor',
        type='SingleTeacherDistill',
        architecture=Replacing(networks['student']),
        teacher=Replacing(networks['teacher']),
        teacher_ckpt=_teacher_ckpt(pair, method),
        distiller=Replacing(distiller),
    )


def _name(pair: dict, side: str) -> str:
    return Path(pair[side]).stem


def _teacher_ckpt(pair: dict, method: dict) -> str | None:
    if 'teacher_ckpt' in method:
        return method['teacher_ckpt'].format(teacher=_name(pair, 'teacher'))
    return pair.get('teacher_ckpt')


def _read(pair: dict, side: str) -> dict:
    network = read_network(pair[side], f'pair.{side}').model.to_dict()
    network.setdefault('_scope_', 'mmpretrain')
    return network


def _network(pair: dict, method: dict, side: str, own: dict) -> dict:
    network = copy.deepcopy(own)
    if 'num_classes' in pair:
        set_classes(network, pair['num_classes'], f'pair.{side}: {pair[side]}')
    if side == 'teacher':
        take_hard_labels(network)
    kind = short_name(network['type'])
    if 'classifier' in method and kind != 'ImageClassifier':
        raise UserError(
            f'method {method["name"]} makes {method["classifier"]} of an '
            f'ImageClassifier, but pair.{side} is a {kind}; take another method'
        )
    network['type'] = method.get('classifier', network['type'])
    return network


def _given(method: dict, taps: Callable[[str], dict]) -> dict | None:
    given = copy.deepcopy(method.get('distiller'))
    beside = [key for key in ('losses', 'inputs', 'connectors') if key in method]
    if given and beside:
        raise UserError(
            f'method {method["name"]}: distiller stands in place of '
            f'{", ".join(beside)}, not beside them; if it is inherited, write '
            'method = dict(_delete_=True, ...)'
        )
    if given:
        for side in SIDES:
            _write_out_words(given, side, method, taps)
    return given


def _write_out_words(
    given: dict, side: str, method: dict, taps: Callable[[str], dict]
) -> None:
    recorders = given.get(f'{side}_recorders') or {}
    for key, word in recorders.items():
        if not isinstance(word, str):
            continue
        offered = {side: recorded_words(taps(side))}
        recorder = dict(_look_up(f'{side}.{word}', offered, method, taps))
        recorders[key] = {k: recorder.pop(k) for k in ('type', 'source')}
        for mapping in given['loss_forward_mappings'].values():
            for record in mapping.values():
                of_side = record.get('from_student') is (side == 'student')
                if of_side and record['recorder'] == key:
                    record.update(recorder)  # the indices of the record


def _distiller(pair: dict, method: dict, taps: Callable[[str], dict]) -> dict:
    of = {side: taps(side) for side in SIDES}
    num_stages = _num_stages(pair, of, method)
    recorded = {side: recorded_words(of[side]) for side in SIDES}
    known = {side: known_words(of[side]) for side in SIDES} | {'pair': pair}

    recorders: dict[str, dict] = {side: {} for side in SIDES}
    mappings: dict[str, dict] = {}
    for loss, inputs in repeated(method['inputs'], num_stages).items():
        mappings[loss] = {}
        for argument, tap in inputs.items():
            through = {}
            if isinstance(tap, dict):
                tap, through = tap['tap'], dict(connector=tap['connector'])
            recorder = dict(_look_up(tap, recorded, method, taps))
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
        connectors=_filled(method.get('connectors', {}), known, method, taps),
        distill_losses=_filled(losses, known, method, taps),
        loss_forward_mappings=mappings,
    )


def _num_stages(pair: dict, taps: dict[str, dict], method: dict) -> int:
    student, teacher = (len(taps[side].get('stages') or ()) for side in SIDES)
    if not any(mark in str(method) for mark in PER_STAGE):
        return student
    if student != teacher or not student:
        raise UserError(
            f'method {method["name"]} goes stage by stage, but of the pair '
            f'{_name(pair, "teacher")}-{_name(pair, "student")} the teacher has '
            f'{teacher} stages ({_shapes(taps["teacher"])}) and the student '
            f'{student}; those are {_shapes(taps["student"])}; take another method or '
            'pair, or say which stages: pair.taps'
        )
    return student


def _shapes(taps: dict) -> str:
    shapes = taps.get('shapes') or []
    if not shapes and taps.get('tokens'):
        return f'no map, tokens {taps["tokens_shape"]}'
    return ' '.join(map(str, shapes)) or 'no map'


def _filled(value, known: dict, method: dict, taps: Callable[[str], dict]):
    """``value`` with the numbers that words such as ``pair.dkd_beta`` stand for."""
    if isinstance(value, dict):
        return {k: _filled(part, known, method, taps) for k, part in value.items()}
    if isinstance(value, str) and value.partition('.')[0] in known:
        return _look_up(value, known, method, taps)
    return value


def _look_up(
    tap: str, offered: dict[str, dict], method: dict, taps: Callable[[str], dict]
):
    owner, _, word = tap.partition('.')
    if word in offered.get(owner, {}):
        return offered[owner][word]
    there = offered.get(owner, [f'{side}.WORD' for side in offered])
    line = (
        f'method {method["name"]}: there is no {tap!r} in this pair; there is '
        f'{", ".join(there)}'
    )
    if owner in SIDES:
        shapes = (f'of the {side} {_shapes(taps(side))}' for side in SIDES)
        line += f'; stages {", ".join(shapes)}; say where it is: pair.taps.{owner}'
    raise UserError(line)
