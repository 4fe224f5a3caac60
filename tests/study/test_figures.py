"""Figures of numbers: bars, lines and heat maps, by matplotlib's own objects."""

import numpy as np
import pytest
from drawn_study import ACCURACY, accuracy, draw, study, texts

from mcmi_plugin.errors import UserError
from mcmi_study.figures.lines import number, words_of
from mcmi_study.results import Results


@pytest.fixture
def png(tmp_path):
    path = tmp_path / 'figure.png'
    yield str(path)
    assert path.read_bytes().startswith(b'\x89PNG')


def test_bars_of_each_arm_with_its_spread_and_runs(png):
    results = study(
        ACCURACY,
        student_accuracy=accuracy,
        teacher_cmi=lambda arm, row, seed: 0.1 * seed,
    )
    measures = ['student_accuracy', 'teacher_cmi']
    figure = draw('bars', results, png, measures=measures, title='Fig. 7')
    upper, lower = figure.axes
    heights = [bar.get_height() for bar in upper.patches]
    assert heights == pytest.approx([70.2, 70.3, 71.0])
    # Sample standard deviation of 0, 0.1 and 0.5, by hand: sqrt(0.07).
    segment = upper.collections[0].get_segments()[0]
    assert segment[1, 1] - segment[0, 1] == pytest.approx(2 * 0.07**0.5)
    dots = [line for line in upper.lines if line.get_linestyle() == 'None']
    single = [line for line in dots if len(line.get_xdata()) == 3]
    assert [list(line.get_ydata()) for line in single][0] == [70.0, 70.1, 70.5]
    assert upper.get_ylim()[0] > 60 and 'does not begin at 0' in upper.get_ylabel()
    assert lower.get_ylim()[0] <= 0 and 'begin' not in lower.get_ylabel()
    said = texts(figure)
    for words in ('Fig. 7', 'n = 3 seeds', 'standard deviation', *ACCURACY):
        assert words in said
    assert figure.get_size_inches()[0] * 100 == 800


def test_bars_of_one_seed_claim_no_spread(png):
    figure = draw('bars', study(['MLL'], seeds=1, student_accuracy=accuracy), png)
    assert 'n = 1 seed;' in texts(figure)


def test_bars_leave_out_a_measure_that_a_run_lacks(png):
    results = study(ACCURACY, student_accuracy=accuracy)
    for result in results:
        if result['arm'] == 'MLL':
            result['values']['student_accuracy'] = None
    assert len(draw('bars', results, png).axes[0].patches) == 2


def test_lines_against_a_grid_axis_with_a_second_measure(png):
    grid = [{'T': '1'}, {'T': '8'}, {'T': '2'}]
    results = study(
        ['MLL', 'MCMI'],
        grid,
        student_accuracy=lambda arm, row, seed: float(row['T']) + seed,
        teacher_cmi=lambda arm, row, seed: 0.01 * float(row['T']),
    )
    figure = draw('lines', results, png, x='T', right='teacher_cmi', right_arms=['MLL'])
    left, right = figure.axes
    assert len(left.containers) == 2 and len(right.containers) == 1
    assert list(left.containers[0][0].get_xdata()) == [1, 2, 8]
    assert list(left.containers[0][0].get_ydata()) == [2, 3, 9]
    assert right.containers[0][0].get_linestyle() == '--'
    assert 'nats' in right.get_ylabel() and left.get_xlabel() == 'T'


def test_lines_of_differences_are_paired_by_seed(png):
    # Seeds differ by 10, arms by 1: unpaired, the error would be 10 times the gain.
    results = study(
        ['MLL', 'lambda = 0', 'lambda = 0.5'],
        student_accuracy=lambda arm, row, seed: 10 * seed + (number(arm) or 0) * 2,
    )
    figure = draw('lines', results, png, x='arm', baseline='MLL')
    (axes,) = figure.axes
    points, _, (bar,) = axes.containers[0]
    assert list(points.get_xdata()) == [0, 0.5]
    assert list(points.get_ydata()) == [0, 1]
    assert np.ptp(bar.get_segments()[1][:, 1]) == pytest.approx(0)
    said = texts(figure)
    assert 'difference to MLL' in said and 'standard error' in said


def test_an_arm_without_a_number_is_drawn_level(png):
    results = study(
        ['lambda = 0.1', 'lambda = 0.2', 'ES'],
        student_accuracy=lambda arm, row, seed: 70.0 + seed,
    )
    (axes,) = draw('lines', results, png, x='arm').axes
    level = [line for line in axes.lines if line.get_label() == 'ES']
    assert list(level[0].get_ydata()) == [71.0, 71.0]
    assert 'lambda' in texts(axes.figure)


def test_lines_one_panel_for_each_cell_of_the_rest_of_the_grid(png):
    grid = [{'method': m, 'alpha': a} for m in ('KD', 'CRD') for a in ('5 %', '10 %')]
    results = study(['MLL', 'MCMI'], grid, student_accuracy=accuracy)
    figure = draw('lines', results, png, x='alpha')
    assert [a.get_title() for a in figure.axes] == ['method = KD', 'method = CRD']


def test_an_arm_that_has_not_run_everywhere_keeps_its_colour(png):
    """As in the report of a study of which a cell failed, or is still to come."""
    grid = [{'method': m, 'alpha': '5 %'} for m in ('KD', 'CRD')]
    results = study(['MLL', 'MCMI'], grid, student_accuracy=accuracy)
    left = [r for r in results if (r['arm'], r['grid']) != ('MLL', grid[1])]
    first, second = draw('lines', left, png, x='alpha').axes
    of = [{c.get_label(): c for c in axes.containers} for axes in (first, second)]
    assert [len(one['MLL'][0].get_xdata()) for one in of] == [1, 0]
    colours = {one['MCMI'][0].get_color() for one in of}
    assert len(colours) == 1 and colours != {of[0]['MLL'][0].get_color()}


def test_a_line_needs_numbers(tmp_path):
    results = study(
        ['MLL'], [{'pair': 'R56-R20'}, {'pair': 'none'}], student_accuracy=accuracy
    )
    with pytest.raises(UserError, match='number'):
        draw('lines', results, str(tmp_path / 'x.png'), x='pair')


@pytest.mark.parametrize(
    'name, value, word',
    [
        ('lambda = 0.15', 0.15, 'lambda'),
        ('T = 4', 4, 'T'),
        ('5 %', 5, '5 %'),
        ('eps 1e-3', 1e-3, 'eps'),
        ('MLL', None, 'MLL'),
    ],
)
def test_number_in_a_name(name, value, word):
    assert number(name) == value
    assert words_of(name) == word


def test_heatmap_of_paired_differences(png):
    grid = [{'Tt': t, 'Ts': s} for t in ('1', '4', '8') for s in ('1', '2')]
    results = study(
        ['MLL', 'MCMI'],
        grid,
        student_accuracy=lambda arm, row, seed: (
            60.0 + 5 * seed + (arm == 'MCMI') * (int(row['Tt']) - 4) * (1 + 0.1 * seed)
        ),
    )
    figure = draw('heatmap', results, png, rows='Tt', columns='Ts')
    axes = figure.axes[0]
    image = axes.images[0].get_array()
    assert image.shape == (3, 2)
    assert list(image[:, 0]) == pytest.approx([-3.3, 0, 4.4])
    low, high = axes.images[0].get_clim()
    assert low == -high  # nought is white
    assert [t.get_text() for t in axes.get_yticklabels()] == ['1', '4', '8']
    # Standard error of -3, -3.3, -3.6: 0.3 / sqrt(3).
    assert axes.texts[0].get_text() == '-3.30\n±0.17'
    assert 'MCMI minus MLL' in texts(figure) and 'n = 3 seeds' in texts(figure)


def test_heatmap_of_all_arms(png):
    methods = ('KD', 'DKD', 'DIST')
    sets = ('one / a', 'two')
    grid = [{'set': s, 'method': method} for s in sets for method in methods]
    arms = ['lambda = 0', 'MCMI', 'temperature', 'left out']
    gains = {'MCMI': 1.0, 'temperature': -2.0, 'left out': 50.0}
    results = study(
        arms,
        grid,
        student_accuracy=lambda arm, row, seed: (
            10.0 * seed
            + gains.get(arm, 0) * len(row['method'])
            + gains.get(arm, 0) * (row['set'] == 'two')
        ),
    )
    figure = draw(
        'heatmap',
        results,
        png,
        rows='arm',
        columns='method',
        baseline='lambda = 0',
        arms=arms[:-1],
    )
    axes, second = (axes for axes in figure.axes if axes.images)
    expected = np.array([[2, 3, 4], [-4, -6, -8]])
    assert axes.images[0].get_array().tolist() == expected.tolist()
    assert second.images[0].get_array().tolist() == [[3, 4, 5], [-6, -8, -10]]
    assert (axes.get_title(), second.get_title()) == ('set = one / a', 'set = two')
    labels = [t.get_text() for t in axes.get_yticklabels()]
    assert labels == ['MCMI', 'temperature']
    assert 'arm minus lambda = 0' in texts(figure)


def test_heatmap_takes_one_axis_of_pairs_for_two(png):
    grid = [{'Tt / Ts': f'{t} / {s}'} for t in (1, 4, 8) for s in (1, 2)]
    results = study(['MLL', 'MCMI'], grid, student_accuracy=accuracy)
    figure = draw('heatmap', results, png, rows='Tt', columns='Ts')
    assert figure.axes[0].images[0].get_array().shape == (3, 2)


def test_no_run_in_that_cell_is_one_line(tmp_path):
    results = study(['MLL'], [{'T': '1'}], student_accuracy=accuracy)
    with pytest.raises(UserError, match='no finished run') as caught:
        draw('bars', results, str(tmp_path / 'x.png'), grid={'T': '9'})
    assert '\n' not in str(caught.value)


def test_number_of_runs_where_some_are_missing():
    results = study(['MLL', 'MCMI'], student_accuracy=accuracy)
    assert Results(results[:-1]).n() == 'n = 2 to 3 seeds'
    assert Results(results[:-1]).n(['MLL']) == 'n = 3 seeds'


def test_forms_with_dials_of_their_own_are_lines_of_their_own(png):
    arms = ['lambda = 0', 'fixed, lambda 0.5', 'fixed, lambda 2', 'budget, eps 0.02']
    gains = dict(zip(arms, (0, 1, -40, 0.8), strict=True))
    results = study(
        arms + ['early stopping'],
        student_accuracy=lambda arm, row, seed: 10 * seed + gains.get(arm, 2),
    )
    figure = draw(
        'lines', results, png, x='arm', baseline='lambda = 0', x_label='dial', floor=-5
    )
    (axes,) = figure.axes
    drawn = {bars.get_label(): bars[0] for bars in axes.containers}
    assert list(drawn) == ['fixed, lambda', 'budget, eps']
    assert list(drawn['fixed, lambda'].get_xdata()) == [0.5, 2]
    assert list(drawn['fixed, lambda'].get_ydata()) == [1, -40]
    assert list(drawn['budget, eps'].get_ydata()) == [pytest.approx(0.8)]
    assert axes.get_ylim()[0] == -5
    assert axes.get_xlabel() == 'dial'


def test_plane_has_a_point_of_every_arm(png):
    def of(arm, row, seed):
        return (1.0 if arm == 'MLL' else 2.0) + seed

    results = study(['MLL', 'MCMI'], seeds=2, teacher_ll=of, teacher_cmi=accuracy)
    figure = draw('plane', results, png)
    (axes,) = figure.axes
    runs, mean = axes.lines[:2]
    assert list(runs.get_xdata()) == [1.0, 2.0] and list(mean.get_xdata()) == [1.5]
    ups = [accuracy('MLL', {}, seed) for seed in (0, 1)]
    assert list(runs.get_ydata()) == ups and mean.get_ydata() == [sum(ups) / 2]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ['MLL', 'MCMI'] and 'LL' in axes.get_xlabel()
    with pytest.raises(UserError, match='both teacher_ll and agreement'):
        draw('plane', results, png, y='agreement')


def test_a_figure_none_of_whose_arms_has_run_is_one_line(tmp_path):
    results = study(['MLL'], student_accuracy=accuracy)
    with pytest.raises(UserError, match='MCMI'):
        draw('bars', results, str(tmp_path / 'x.png'), arms=['MCMI'])
