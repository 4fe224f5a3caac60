"""Figures of one cell, or of more than a number: curves, matrices, maps, spaces."""

import numpy as np
import pytest
from drawn_study import accuracy, draw, study, texts

from mcmi_plugin.errors import UserError


@pytest.fixture
def png(tmp_path):
    path = tmp_path / 'figure.png'
    yield str(path)
    assert path.read_bytes().startswith(b'\x89PNG')


def test_a_picture_of_one_cell_asks_which(tmp_path):
    results = study(['MLL'], [{'T': '1'}, {'T': '2'}], teacher_cmi_per_class=accuracy)
    with pytest.raises(UserError, match='one cell of the grid'):
        draw('per_class', results, str(tmp_path / 'x.png'))


def test_curves_of_both_measures_over_epochs(png):
    def history(arm, row, seed):
        return dict(epoch=[1, 2, 3], cmi=[0.1, 0.3, 0.2 + seed], ll=[-2, -1, -0.5])

    results = study(['MLL', 'MCMI'], mll_history=history)
    figure = draw('curves', results, png, arms=['MLL'])
    left, right = figure.axes
    assert list(left.lines[0].get_ydata()) == pytest.approx([0.1, 0.3, 1.2])
    assert list(right.lines[0].get_ydata()) == [-2, -1, -0.5]
    assert 'CMI, nats' in left.get_ylabel() and 'n = 3 seeds' in texts(figure)


def test_confusion_marks_dropped_classes(png):
    matrix = [[0, 10, 0], [0, 8, 2], [0, 0, 20]]

    def confused(arm, row, seed):
        return dict(matrix=matrix, classes=['cat', 'dog', 'car'], dropped=[0])

    results = study(['MLL', 'MCMI', 'TS'], confusion=confused)
    figure = draw('confusion', results, png, arms=['MLL', 'MCMI'])
    panels = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in panels] == ['MLL', 'MCMI']
    shown = panels[0].images[0].get_array()
    assert list(shown[1]) == pytest.approx([0, 0.8, 0.2])
    names = panels[0].get_yticklabels()
    assert [name.get_text() for name in names] == ['cat*', 'dog', 'car']
    assert names[0].get_color() != names[1].get_color()
    assert 'dropped' in texts(figure)


def test_per_class_bars_in_the_order_asked_for(png):
    def values(arm, row, seed):
        return {'goldfish': 0.3, 'tent': 1.2, 'bee': seed}

    results = study(['MLL', 'MCMI'], teacher_cmi_per_class=values)
    figure = draw('per_class', results, png, classes=['tent', 'bee'])
    (axes,) = figure.axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx([1.2, 1, 1.2, 1])
    assert [t.get_text() for t in axes.get_yticklabels()] == ['tent', 'bee']
    assert 'MCMI' in texts(figure) and 'n = 3 seeds' in texts(figure)
    # Another data set, which has none of the classes asked for: all of them.
    elsewhere = draw('per_class', results, png, classes=['husky']).axes[0]
    assert len(elsewhere.get_yticklabels()) == 3


def test_tsne_embeds_both_arms_at_once(png, tmp_path):
    random = np.random.RandomState(0)

    def saved(arm, row, seed):
        path = tmp_path / f'{arm}{seed}.npz'
        labels = np.arange(30) % 3
        logits = random.randn(30, 3) + 6 * np.eye(3)[labels]
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        np.savez(
            path, probabilities=probabilities, labels=labels, classes=['a', 'b', 'c']
        )
        return str(path)

    results = study(
        ['MLL', 'MCMI'],
        seeds=1,
        directory=tmp_path,
        output_probabilities=saved,
        teacher_cmi=lambda arm, row, seed: 0.25,
    )
    figure = draw('scatter_tsne', results, png)
    left, right = figure.axes
    for axes in (left, right):
        assert sum(len(points.get_offsets()) for points in axes.collections) == 30
        assert {text.get_text() for text in axes.texts} == {'a', 'b', 'c'}
    assert left.get_xlim() == right.get_xlim()
    assert left.get_title() == 'MLL: CMI 0.250 nats'


def test_eigen_cam_rows(png, tmp_path):
    def saved(arm, row, seed):
        path = tmp_path / f'{arm}.npz'
        images = np.zeros((4, 8, 8, 3), np.uint8)
        maps = np.full((4, 8, 8), 0.5 if arm == 'MLL' else 1.0)
        groups = np.array(['3', '3', '3', '8'])
        np.savez(path, images=images, maps=maps, groups=groups, layer='layer2')
        return f'where/it/was/{path.name}'  # moved since

    results = study(['MLL', 'MCMI'], seeds=1, directory=tmp_path, eigen_cam=saved)
    figure = draw('eigen_cam', results, png)
    # Three images of one class and one of another, each above two arms.
    assert len(figure.axes) == 9 + 3
    assert [len(axes.images) for axes in figure.axes[:9:3]] == [1, 2, 2]
    assert figure.axes[3].images[1].get_array().max() == 0.5
    assert figure.axes[6].images[1].get_array().max() == 1.0
    assert figure.axes[9].get_ylabel() == '8'
    assert 'layer2' in texts(figure) and 'MCMI' in texts(figure)


def test_answers_of_people_and_of_every_teacher(png, tmp_path):
    def saved(arm, row, seed):
        path = tmp_path / f'{arm}.npz'
        people = np.array([[0.5, 0.46, 0.04], [0.34, 0.33, 0.33]])
        teacher = np.array([[1.0, 0.0, 0.0], [0.0, 0.2 if arm == 'MLL' else 0.7, 0.8]])
        images = np.zeros((2, 8, 8, 3), np.uint8)
        np.savez(
            path, images=images, people=people, teacher=teacher,
            labels=[0, 2], classes=['cat', 'dog', 'car'],
        )  # fmt: skip
        return str(path)

    results = study(['MLL', 'MCMI'], seeds=1, directory=tmp_path, people_answers=saved)
    figure = draw('answers', results, png)
    first, last = figure.axes[2:]
    assert [axes.get_title() for axes in figure.axes[:2]] == ['cat', 'car']
    columns = [label.get_text() for label in last.get_xticklabels()]
    assert columns == ['people', 'MLL', 'MCMI']
    shown = last.images[0].get_array()
    assert shown.tolist() == [[0.34, 0, 0], [0.33, 0.2, 0.7], [0.33, 0.8, 0.8]]
    # What hardly anybody says is a shade without a figure.
    assert [text.get_text() for text in first.texts] == ['50', '100', '100', '46']
    assert [name.get_text() for name in first.get_yticklabels()] == [
        'cat',
        'dog',
        'car',
    ]


def test_answers_want_people(tmp_path):
    results = study(['MLL'], seeds=1, people_answers=lambda arm, row, seed: None)
    with pytest.raises(UserError, match='set people_counts'):
        draw('answers', results, str(tmp_path / 'x.png'))


def arrays(tmp_path, **kept):
    """A measure that keeps these arrays, but of MCMI's first seed, which failed."""

    def saved(arm, row, seed):
        if (arm, seed) == ('MCMI', 0):
            return None
        np.savez(tmp_path / 'arrays.npz', **kept)
        return str(tmp_path / 'arrays.npz')

    return saved


@pytest.mark.parametrize('kind', ['eigen_cam', 'scatter_tsne', 'answers'])
def test_pictures_are_of_a_seed_that_the_arms_share(kind, png, tmp_path):
    images = dict(images=np.zeros((6, 8, 8, 3), np.uint8), labels=np.arange(6) % 2)
    maps = dict(maps=np.ones((6, 8, 8)), groups=np.array([''] * 6), layer='layer2')
    answers = dict(people=np.full((6, 2), 0.5), teacher=np.full((6, 2), 0.5))
    spaces = dict(probabilities=np.eye(2)[images['labels']], classes=['cat', 'dog'])
    saved = arrays(tmp_path, **images, **maps, **answers, **spaces)
    measures = ('eigen_cam', 'output_probabilities', 'people_answers')
    saved = dict.fromkeys(measures, saved)
    results = study(['MLL', 'MCMI'], seeds=2, directory=tmp_path, **saved)
    said = texts(draw(kind, results, png))
    assert 'seed 1 (n = 1)' in ' '.join(said.split())  # whose lines are folded


@pytest.mark.parametrize(
    'kind, measure',
    [
        ('eigen_cam', 'eigen_cam'),
        ('scatter_tsne', 'output_probabilities'),
        ('answers', 'people_answers'),
    ],
)
def test_a_picture_whose_arrays_are_gone_names_them(kind, measure, tmp_path):
    gone = str(tmp_path / 'gone.npz')
    saved = {measure: lambda arm, row, seed: gone}
    results = study(['MLL'], seeds=1, directory=tmp_path, **saved)
    with pytest.raises(UserError) as error:
        draw(kind, results, str(tmp_path / 'x.png'))
    assert str(error.value).startswith(f'{gone}, which it is drawn from, is gone; ')


@pytest.mark.parametrize(
    'kind, measure',
    [
        ('per_class', 'teacher_cmi_per_class'),
        ('confusion', 'confusion'),
        ('curves', 'mll_history'),
        ('eigen_cam', 'eigen_cam'),
        ('scatter_tsne', 'output_probabilities'),
    ],
)
def test_what_no_run_has_is_one_line(kind, measure, tmp_path):
    results = study(['MLL'], **{measure: lambda arm, row, seed: None})
    with pytest.raises(UserError, match=f'no run .*has {measure}'):
        draw(kind, results, str(tmp_path / 'x.png'))


def test_per_class_leaves_out_an_arm_without_a_teacher(png):
    def values(arm, row, seed):
        return None if arm == 'one-hot' else {'cat': 0.3, 'dog': 1.2}

    results = study(['one-hot', 'MLL'], teacher_cmi_per_class=values)
    assert len(draw('per_class', results, png).axes[0].patches) == 2
