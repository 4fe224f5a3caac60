"""The pictures of an audit: the temperature curve and the reliability diagram."""

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from mcmi_plugin.audit.reading import temperature_words
from mcmi_plugin.shown.style import BLUE, RED, legend, new_figure, png_of

_DPI = 100  # 800 pixels wide
_LINEAR_BELOW = 0.01  # nats


def temperature_picture(train: dict, held_out: dict) -> bytes:
    """CMI and cross-entropy (-LL) against the temperature of the logits, as PNG.

    Args:
        held_out: the same of the held-out data, whose cross-entropy is dashed.
    """
    figure = new_figure(
        'The teacher at temperature T of its logits\n'
        f'training set, {train["num_samples"]:,} samples; dashed: held-out data, '
        f'{held_out["num_samples"]:,}',
        height=5.2,
    )
    above, below = figure.subplots(2, 1, sharex=True)
    _line(above, train['temperatures'], 'cmi', RED, '-')
    _mark(above, train, 'cmi', 'highest CMI', 'D')
    above.set_ylabel('CMI, nats')
    _line(below, train['temperatures'], 'll', BLUE, '-')
    _line(below, held_out['temperatures'], 'll', BLUE, '--')
    _mark(below, train, 'll', 'best LL', 'D')
    _mark(below, held_out, 'll', 'best LL, held out', 's')
    below.set_ylabel('-LL, nats')
    # What a teacher knows by heart is many powers of ten below what it does not.
    below.set_yscale('symlog', linthresh=_LINEAR_BELOW)
    below.set_ylim(bottom=0)
    below.yaxis.set_major_formatter('{x:g}')
    below.set_xscale('log', base=2)
    ticks = [point['temperature'] for point in train['temperatures']]
    below.set_xticks(ticks, [f'{t:g}' for t in ticks])
    below.xaxis.set_minor_locator(NullLocator())
    below.set_xlabel('temperature T')
    for axes in (above, below):
        axes.axvline(1, color='0.4', linewidth=1, linestyle=':', label='T = 1')
    legend(above)
    legend(below, loc='lower right')  # where the curves are not
    return png_of(figure, _DPI)


def _line(axes: Axes, points: list[dict], key: str, colour: str, style: str) -> None:
    x, y = zip(*((p['temperature'], _shown(p, key)) for p in points), strict=True)
    axes.plot(x, y, style, marker='.', color=colour)


def _mark(axes: Axes, split: dict, key: str, name: str, marker: str) -> None:
    best = f'temperature_of_{key}'
    (point,) = [p for p in split['temperatures'] if p['temperature'] == split[best]]
    look: dict = dict(ms=9, mfc='none', mec='black', clip_on=False)
    words = f'{name}: T = {temperature_words(split, best)}'
    axes.plot([point['temperature']], [_shown(point, key)], marker, label=words, **look)


def _shown(point: dict, key: str) -> float:
    return -point['ll'] if key == 'll' else point[key]


def reliability_picture(held_out: dict) -> bytes:
    """Accuracy against confidence, and how many samples each bin has, as PNG."""
    bins = held_out['reliability']
    figure = new_figure(
        f'Calibration on held-out data, {held_out["num_samples"]:,} samples\n'
        f'expected calibration error {held_out["calibration_error"]:.2f} points, '
        f'{len(bins)} bins of equal width',
        height=5.2,
    )
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    width = 100 / len(bins)
    middle = [width * (i + 0.5) for i in range(len(bins))]
    heights = [one['accuracy'] or 0 for one in bins]
    look: dict = dict(color=BLUE, label='accuracy of the bin')
    above.bar(middle, heights, 0.9 * width, **look)
    filled = [(one['confidence'], one['accuracy']) for one in bins if one['samples']]
    above.plot([0, 100], [0, 100], '--', color='0.4', label='as right as confident')
    x, y = zip(*filled, strict=True)
    above.plot(x, y, 'o', color=RED, label='at its mean confidence')
    above.set_ylabel('accuracy, %')
    above.set_ylim(0, 103)
    legend(above, loc='upper left')
    below.bar(middle, [one['samples'] for one in bins], 0.9 * width, color='0.5')
    below.set_yscale('symlog', linthresh=1)
    below.set_ylim(bottom=0)
    below.set_ylabel('samples')
    below.set_xlabel('confidence, %')
    below.set_xlim(0, 100)
    return png_of(figure, _DPI)
