"""The eleven methods against vectors recorded from the methods' own code.

``MCMI_GOLDEN`` names another folder with the same kind of ``manifest.json``.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

TESTS = Path(__file__).parents[1]
sys.path.append(str(TESTS))

from golden_runners_losses import RUNNERS  # noqa: E402

FOLDER = Path(os.environ.get('MCMI_GOLDEN', TESTS / 'golden_losses'))
CASES = [
    case
    for case in json.loads((FOLDER / 'manifest.json').read_text())['cases']
    if case['method'] in RUNNERS
]


def test_every_method_has_a_case() -> None:
    assert {case['method'] for case in CASES} == set(RUNNERS)


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['file'])
def test_golden(case: dict) -> None:
    with np.load(FOLDER / case['file'], allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    results = RUNNERS[case['method']](dict(arrays), case)
    needed = {
        name
        for name in arrays
        if 'expected_loss' in name or 'expected_grad' in name or '_after' in name
    }
    assert needed and needed <= set(results)
    given = case['tolerance']
    for name, result in results.items():
        kind = 'grad' if 'grad' in name else 'loss'
        torch.testing.assert_close(
            result.detach(),
            arrays[name].detach(),
            rtol=given[f'rtol_{kind}'],
            atol=given['atol_grad'],
            check_dtype=False,
            msg=lambda text, name=name: f'{name}: {text}',
        )
