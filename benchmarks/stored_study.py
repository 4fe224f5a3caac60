"""Four students of one teacher, with a store and without, from start to end.

KD, DKD, RKD and PKT from one seed, as the arms of a study have them, over images that
no augmentation changes, for two epochs: so the first of them asks its teacher for half
of its answers, much as a first student of 240 epochs of crops and flips does (0.52, see
:mod:`.stored`), and the others for none.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.distillation import distillation
from benchmarks.harness import Contest, require_same_training, weights_of
from benchmarks.runners import ready_runner
from benchmarks.step import BATCH_SIZE, ROUNDING
from benchmarks.stored import COMPOSITION, answers_of
from mcmi_plugin.locations import CONFIGS

METHODS = ('kd', 'dkd', 'rkd', 'pkt')
EPOCHS = 2


def contests(
    pair: str = 'r32x4_shuv1', iterations: int = 4, rounds: int = 3
) -> Iterator[Contest]:
    """All students of a pair, each epoch of so many iterations."""

    def check() -> None:
        start: dict = {}
        live = list(students(pair, iterations, None, METHODS[:2], start))
        found = list(students(pair, iterations, dict(dtype='float32'), METHODS[:2]))
        for (one, _), (other, _) in zip(found, live, strict=True):
            require_same_training(one, other, start, ROUNDING)
        asked = EPOCHS * iterations * BATCH_SIZE
        assert [answers.found for _, answers in found] == [asked // EPOCHS, asked]

    def run(store: dict | None) -> None:
        for _ in students(pair, iterations, store):
            pass

    yield Contest(
        'stored study',
        partial(run, {}),
        partial(run, None),
        check,
        ours_is=f'four students of {pair} (KD, DKD, RKD, PKT), one store',
        baseline_is='the same with the live teacher',
        rounds=rounds,
        units=len(METHODS),
        unit='student',
    )


def students(
    pair: str,
    iterations: int,
    store: dict | None,
    methods: tuple[str, ...] = METHODS,
    start: dict | None = None,
) -> Iterator[tuple]:
    """Train one after the other: its network, and what answered for its teacher.

    Args:
        pair: of the CIFAR-100 pairs.
        iterations: of an epoch.
        store: options of ``teacher_store``, which begins empty; None: the live teacher.
        methods: one student each.
        start: is filled with the weights that they begin with.
    """
    with TemporaryDirectory() as folder:
        for method in methods:
            path = Path(folder, f'{pair}_{method}.py')
            base = CONFIGS / '_base_'
            path.write_text(COMPOSITION.format(base=base, pair=pair, method=method))
            own = None if store is None else dict(store, dir=folder)
            config = distillation(iterations * BATCH_SIZE, path=path, store=own)
            config['train_cfg']['max_epochs'] = EPOCHS
            with ready_runner(config) as runner:
                network = runner.model.architecture
                if start is not None:
                    start.update(weights_of(network))
                runner.train()
                yield network, None if store is None else answers_of(runner)
