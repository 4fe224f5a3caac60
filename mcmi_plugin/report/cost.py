"""What a run cost: parameters, time, and the learning rate that was really used."""

from mcmi_plugin.report.work_dir import Run
from mcmi_plugin.shown.progress import duration


def parameters(run: Run, network: str) -> str:
    """``176,402``: of ``'student'`` or ``'teacher'``; '' where it is not recorded."""
    number = (run.record.get('parameters') or {}).get(network)
    return '' if number is None else f'{number:,}'


def rate(run: Run) -> str:
    """``0.05, last 0.00031``: as logged, so after scaling, warm-up and schedule."""
    names = [key for key in _last(run) if key == 'lr' or key.endswith('.lr')]
    words = []
    for name in names:
        rates = [record[name] for record in run.scalars.train if name in record]
        word = f'{max(rates):.3g}'
        if rates[-1] != max(rates):
            word += f', last {rates[-1]:.3g}'
        words.append(word if name == 'lr' else f'{name.removesuffix(".lr")}: {word}')
    return '; '.join(words)


def training_time(run: Run) -> float | None:
    """Seconds of the student's training steps, over all parts of a resumed run."""
    total, last = 0.0, 0
    for record in run.scalars.train:
        total += record.get('time', 0.0) * (record['step'] - last)
        last = record['step']
    return total or None


def time_words(run: Run) -> str:
    """Both, and a step's; '' where nothing is logged."""
    steps, whole = training_time(run), run.whole_time
    if steps is None:
        return ''
    number = _last(run)['step']
    words = f'{duration(steps)} in {number:,} training steps'
    words += f', {steps / number:.3g} s each'
    if whole is not None:
        words += f'; {duration(whole)} from start to end, with the teacher'
    return words


def _last(run: Run) -> dict:
    return run.scalars.train[-1] if run.scalars.train else {}
