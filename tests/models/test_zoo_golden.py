"""The recorded forward passes of ``tests/golden_zoo`` (or of ``MCMI_GOLDEN``)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_runners_zoo import run_zoo, zoo_tolerance

FOLDER = Path(os.environ.get('MCMI_GOLDEN', Path(__file__).parents[1] / 'golden_zoo'))
CASES = [
    case
    for case in json.loads((FOLDER / 'manifest.json').read_text())['cases']
    if case['method'] == 'zoo'
]


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['case'])
def test_zoo_golden(case: dict) -> None:
    with np.load(FOLDER / case['file'], allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    results = run_zoo(arrays, case)
    assert set(results) == {name for name in arrays if name.startswith('expected_')}
    for name, result in results.items():
        torch.testing.assert_close(
            result,
            arrays[name],
            **zoo_tolerance(case, arrays[name]),
            msg=lambda text, name=name: f'{name}: {text}',
        )
