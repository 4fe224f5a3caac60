"""People's answers as a study's measure."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from scipy.special import rel_entr
from small_study import BASE, EPOCHS, SIZES, run_study, write_study

from mcmi_plugin.datasets import SyntheticGaussian
from mcmi_plugin.errors import UserError
from mcmi_plugin.functional.people import halves
from mcmi_study import measures_pictures
from mcmi_study.measures_people import PEOPLE
from mcmi_study.measures_pictures import people_answers

ONE_ARM = dict(
    arms={'MLL': {'mcmi.form': 'none', 'mcmi.lmda': None}},
    baseline=None,
    control=None,
    controls=None,
    note='one arm is enough',
    figures=[],
    paper=[],
)


@pytest.fixture
def counts(tmp_path):
    sizes = dict.fromkeys(('num_train', 'num_val', 'num_test'), 120)
    data = SyntheticGaussian(split='test', delta=1.0, seed=0, pipeline=[], **sizes)
    labels = np.array(data.get_gt_labels())
    share = np.where(np.arange(10) == labels[:, None], 0.55, 0.05)
    random = np.random.RandomState(0)
    np.save(
        tmp_path / 'counts.npy', np.stack([random.multinomial(40, p) for p in share])
    )
    return tmp_path / 'counts.npy'


def run(folder, counts, measures):
    options = {**SIZES, **EPOCHS, 'people_counts': str(counts)}
    scales = dict(smoke=dict(config=str(BASE), seeds=1, options=options))
    path = write_study(folder, scales=scales, measures=measures, **ONE_ARM)
    return run_study(path, folder / 'work')


def test_every_figure_of_teacher_and_student(tmp_path, counts):
    measures = ['output_probabilities', *PEOPLE]
    _, (result,), failures, printed = run(tmp_path, counts, measures)
    assert not failures
    values = result['values']
    with np.load(values['output_probabilities']) as kept:
        # They are the teacher's, in an order of their own.
        probs = np.empty_like(kept['probabilities'])
        probs[np.random.RandomState(0).permutation(120)] = kept['probabilities']
    half = halves(120)[1].numpy()
    probs, people = probs[half].astype(float), (np.load(counts) / 40)[half]
    temperature = values['teacher_people_temperature']
    softened = probs ** (1 / temperature)
    softened /= softened.sum(1, keepdims=True)
    for p, suffix in ((probs, ''), (softened, '_fitted')):
        distance = 100 * np.linalg.norm(p - people, axis=1).mean()
        kl = rel_entr(people, p).sum(1).mean()
        assert values[f'teacher_people_distance{suffix}'] == pytest.approx(
            distance, rel=1e-4
        )
        assert values[f'teacher_people_kl{suffix}'] == pytest.approx(kl, rel=1e-4)
    assert values['teacher_people_correlation'] == pytest.approx(
        np.corrcoef(probs.ravel(), people.ravel())[0, 1], rel=1e-4
    )
    assert {name for name, value in values.items() if value is None} == set()
    assert values['student_people_kl'] != values['teacher_people_kl']
    assert (
        f'{values["teacher_people_kl"]:.4f}'
        in (tmp_path / 'work/report/table.md').read_text()
    )


@pytest.mark.parametrize(
    'measure', [*PEOPLE.values(), people_answers], ids=[*PEOPLE, 'people_answers']
)
def test_data_that_nobody_named_have_none(measure):
    class AnyRunner:
        """Which is not asked for anything."""

    assert measure(AnyRunner(), Config()) is None


def test_the_images_that_people_disagree_over_most(tmp_path, monkeypatch):
    """In the order of their disagreement; as many as a picture has room for."""
    counts = np.full((9, 3), [[30, 0, 0]])
    counts[[7, 2]] = [10, 10, 10], [15, 15, 0]
    np.save(tmp_path / 'counts.npy', counts)
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (9, 3, 4, 4), np.uint8)
    logits = torch.from_numpy(random.randn(9, 3))
    found = SimpleNamespace(logits=logits, labels=torch.arange(9) % 3, classes='abc')
    teacher = SimpleNamespace(preprocessor=lambda batch, training: batch)
    dataset = [dict(inputs=torch.from_numpy(image)) for image in images]
    for name, value in (
        ('passed', found),
        ('network_of', teacher),
        ('loader_of', SimpleNamespace(dataset=dataset)),
    ):
        monkeypatch.setattr(measures_pictures, name, lambda *of, v=value: v)
    runner = SimpleNamespace(work_dir=str(tmp_path))
    cfg = Config(dict(people_counts=str(tmp_path / 'counts.npy')))
    with np.load(people_answers(runner, cfg)) as kept:
        assert len(kept['labels']) == measures_pictures.NUM_CONTESTED
        assert kept['labels'][:2].tolist() == [1, 2]  # images 7 and 2
        assert (kept['images'][0] == images[7].transpose(1, 2, 0)).all()
        np.testing.assert_allclose(kept['people'][1], [0.5, 0.5, 0])
        np.testing.assert_allclose(kept['teacher'][0], logits[7].softmax(0))


def test_counts_of_other_images_are_refused_before_training(tmp_path, counts):
    np.save(counts, np.load(counts)[1:])
    with pytest.raises(UserError, match='people_counts: .* has 119 rows'):
        run(tmp_path, counts, ['teacher_people_kl'])
    assert not (tmp_path / 'work/cells').exists()
