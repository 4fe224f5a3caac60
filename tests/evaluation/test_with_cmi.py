"""CMIMetric beside what a config's evaluator has, in every form mmengine takes."""

import pytest
from mmengine.config import ConfigDict
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from mcmi_plugin.evaluation import CMIMetric
from mcmi_plugin.evaluation.cmi_metric import with_cmi

ACCURACY = dict(type='mmpretrain.Accuracy')
CMI = dict(type='CMIMetric')


@pytest.mark.parametrize(
    ('evaluator', 'kinds'),
    [
        (ACCURACY, ['Accuracy', 'CMIMetric']),
        ([ACCURACY, CMI], ['Accuracy', 'CMIMetric']),
        (CMI, ['CMIMetric']),
        ([dict(type=CMIMetric)], ['CMIMetric']),
        ([CMIMetric()], ['CMIMetric']),
        ([dict(CMI, prefix='mine')], ['CMIMetric', 'CMIMetric']),
        (dict(type='Evaluator', metrics=ACCURACY), ['Accuracy', 'CMIMetric']),
        (dict(type='Evaluator', metrics=[CMI, ACCURACY]), ['CMIMetric', 'Accuracy']),
        (dict(metrics=[ACCURACY]), ['Accuracy', 'CMIMetric']),
    ],
)
def test_it_is_there_once(evaluator, kinds):
    given = ConfigDict(evaluator) if isinstance(evaluator, dict) else evaluator
    built = Runner.build_evaluator(None, with_cmi(given))
    assert type(built) is Evaluator
    assert [type(metric).__name__ for metric in built.metrics] == kinds
    assert 'mcmi' in [metric.prefix for metric in built.metrics]


def test_the_config_stays_as_it_is():
    evaluator = ConfigDict(type='Evaluator', metrics=[ACCURACY])
    assert len(with_cmi(evaluator).metrics) == 2
    assert len(evaluator.metrics) == 1
