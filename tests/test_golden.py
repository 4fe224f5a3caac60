"""Loss and gradient against vectors recorded from the methods' own code.

``MCMI_GOLDEN`` names another folder with the same kind of ``manifest.json``;
``pytest -rs`` lists the cases whose method has no runner here yet.

A runner takes the arrays of a case and its manifest entry, and returns what it
computed under the names of the recorded arrays. To add a method, write its
runner and enter it in ``RUNNERS``.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import golden_runners_losses
import golden_runners_zoo
import numpy as np
import pytest
import torch
from mmengine.registry import METRICS, MODELS
from torch import Tensor, nn

import mcmi_plugin.evaluation
import mcmi_plugin.losses  # noqa: F401  (both register their components)
from mcmi_plugin.functional.information import ClassStatistics
from mcmi_plugin.functional.mcmi import ce_and_kl
from mcmi_plugin.functional.one_pass import collect

FOLDER = Path(os.environ.get('MCMI_GOLDEN', Path(__file__).parent / 'golden'))
CASES = json.loads((FOLDER / 'manifest.json').read_text())['cases']

Arrays = dict[str, Tensor]


def run_mcmi(arrays: Arrays, case: dict) -> Arrays:
    logits, labels = arrays['student_logits'].requires_grad_(), arrays['labels']
    log_centroids = arrays['centroids'].log()

    def loss(lmda: float) -> Tensor:
        config = {'type': 'CMILoss', 'lmda': lmda, 'num_classes': len(log_centroids)}
        module = MODELS.build(config).to(logits.dtype)
        module.set_centroids(log_centroids)
        return module(logits, labels)

    total = loss(arrays['lam'].item())
    kl = ce_and_kl(logits, labels, log_centroids)[1].mean()
    return {
        'expected_loss': total,
        'expected_ce': loss(0),
        'expected_kl': kl,
        'expected_grad.student_logits': torch.autograd.grad(total, logits)[0],
        'expected_grad_kl.student_logits': torch.autograd.grad(kl, logits)[0],
    }


def run_mcmi_centroid(arrays: Arrays, case: dict) -> Arrays:
    sizes = arrays['batch_sizes'].tolist()
    batches = zip(
        arrays['inputs'].split(sizes), arrays['labels'].split(sizes), strict=True
    )
    num_classes = len(arrays['expected_centroids'])
    state = {n[6:]: a for n, a in arrays.items() if n.startswith('param.')}
    if not state:  # the inputs are the logits
        statistics = collect(lambda logits: logits, batches, num_classes)
        return {'expected_centroids': statistics.log_centroids().exp()}
    network = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, num_classes))
    network.load_state_dict(state, strict=False)  # the batch counter is not there
    statistics = collect(network.train(), batches, num_classes)
    return {
        'expected_centroids': statistics.log_centroids().exp(),
        'expected_after.0.running_mean': network[0].running_mean,
        'expected_after.0.running_var': network[0].running_var,
    }


def run_mcmi_cmi(arrays: Arrays, case: dict) -> Arrays:
    logits, labels = arrays['logits'], arrays['labels']
    statistics = ClassStatistics(logits.shape[1])
    statistics.update(logits, labels)
    metric = METRICS.build({'type': 'CMIMetric'})
    samples = zip(logits.softmax(1), labels[:, None], strict=True)
    metric.process(None, [{'pred_score': p, 'gt_label': y} for p, y in samples])
    from_scores = metric.evaluate(len(labels))['mcmi/cmi']
    assert from_scores == pytest.approx(statistics.cmi(), rel=1e-5)
    return {
        'expected_cmi': torch.tensor(statistics.cmi()),
        'expected_centroids': statistics.log_centroids().exp(),
        'cmi_per_class_f64': statistics.cmi_per_class(),
    }


RUNNERS: dict[str, Callable[[Arrays, dict], Arrays]] = {
    'mcmi': run_mcmi,
    'mcmi_centroid': run_mcmi_centroid,
    'mcmi_cmi': run_mcmi_cmi,
    **golden_runners_losses.RUNNERS,
    **golden_runners_zoo.RUNNERS,
}


# Of no interest to a user of the loss, and in no runner's reach.
INTERMEDIATE = {'expected_stage_hcl'}


def tolerance(case: dict, name: str, expected: Tensor) -> dict[str, float]:
    if case['method'] == 'zoo':  # some are relative to the largest logit
        return golden_runners_zoo.zoo_tolerance(case, expected)
    given = case['tolerance']
    kind = 'rtol' if 'rtol' in given else 'rtol_grad' if 'grad' in name else 'rtol_loss'
    rtol, atol = given[kind], given.get(kind.replace('rtol', 'atol'), 0)
    # A small entry beside large ones carries their rounding, which is another one
    # on every processor: it counts relative to the largest of its array.
    largest = expected.abs().max().item()
    if expected.is_floating_point():
        rounding = 100 * torch.finfo(expected.dtype).eps
        if largest < rounding:  # terms that cancel: nought, and as good as it
            atol = max(atol, rounding)
    return {'rtol': rtol, 'atol': max(atol, rtol * largest)}


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['file'])
def test_golden(case: dict) -> None:
    if case['method'] not in RUNNERS:
        pytest.skip(f'no runner for method {case["method"]}')
    with np.load(FOLDER / case['file'], allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    results = RUNNERS[case['method']](dict(arrays), case)
    needed = {name for name in arrays if 'expected_' in name} - INTERMEDIATE
    assert needed and needed <= set(results)
    for name, result in results.items():
        torch.testing.assert_close(
            result.detach(),
            arrays[name].detach(),
            **tolerance(case, name, arrays[name]),
            check_dtype=False,
            msg=lambda text, name=name: f'{name}: {text}',
        )
