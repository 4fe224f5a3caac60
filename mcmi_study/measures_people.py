"""Measures of a student or a teacher against people, where their counts are known.

``people_counts`` of the config names the file; without it they are None. ``WHO`` is
``student`` or ``teacher``; what is fitted is at the temperature that fits people best,
chosen on half of the test images, and all is said of the other half:

- ``WHO_people_distance``, ``.._fitted``: mean L2 distance, x 100, as Pdist of Table 5;
- ``WHO_people_kl``, ``.._fitted``: mean KL(people || P) in nats;
- ``WHO_people_correlation``: Pearson's, of all probabilities;
- ``WHO_people_entropy_correlation``: that of the images' entropies;
- ``WHO_people_temperature``.
"""

import weakref
from collections.abc import Callable
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mcmi_plugin.evaluation.people import people_figures
from mcmi_study.passes import passed

_kept: weakref.WeakKeyDictionary[Runner, dict] = weakref.WeakKeyDictionary()

FIGURES: dict[str, Callable[[dict], Any]] = {
    'distance': lambda found: found['as_is']['distance'],
    'distance_fitted': lambda found: found['fitted']['distance'],
    'kl': lambda found: found['as_is']['kl'],
    'kl_fitted': lambda found: found['fitted']['kl'],
    'correlation': lambda found: found['as_is']['correlation'],
    'entropy_correlation': lambda found: found['as_is']['entropy_correlation'],
    'temperature': lambda found: found['temperature'],
}


def _measure(who: Any, figure: str) -> Callable:
    def measured(runner: Runner, cfg: Config) -> float | None:
        found = _figures(runner, cfg, who)
        return FIGURES[figure](found) if found else None

    measured.__name__ = f'{who}_people_{figure}'
    return measured


def _figures(runner: Runner, cfg: Config, who: Any) -> dict | None:
    """All of them at once: the fit takes longer than they do."""
    known = _kept.setdefault(runner, {})
    if who not in known:
        path = cfg.get('people_counts')
        found = passed(runner, cfg, who, 'test') if path else None
        known[who] = found and people_figures(path, found.logits, found.labels)
    return known[who]


PEOPLE = {
    function.__name__: function
    for who in ('student', 'teacher')
    for function in (_measure(who, figure) for figure in FIGURES)
}
