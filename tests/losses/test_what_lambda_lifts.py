"""What a fixed lambda can do at all, and that forms.md says so."""

import pytest
import torch
from conftest import PROJECT

from mcmi_plugin.functional.mcmi import ce_and_kl

FORMS = PROJECT / 'docs/forms.md'


@pytest.mark.parametrize(
    ('lmda', 'ratio'), [(0.15, 0.00007), (0.25, 0.0017), (0.5, 0.025), (0.9, 0.11)]
)
def test_what_a_fixed_lambda_lifts_at_all(lmda, ratio):
    """A class rarer than that is lifted by some prediction, another by none."""
    share = torch.linspace(1e-4, 1 - 1e-4, 20_001, dtype=torch.float64)
    for times, expected in ((0.93, True), (1.07, False)):
        centroid = torch.tensor([1.0, times * ratio], dtype=torch.float64)
        log_centroids = (centroid / centroid.sum()).log().expand(2, 2)
        logits = torch.stack([torch.zeros_like(share), share.logit()], 1)
        logits.requires_grad_()
        ce, kl = ce_and_kl(logits, torch.zeros(len(share), dtype=int), log_centroids)
        (ce - lmda * kl).sum().backward()
        lifted = logits.grad[:, 1] < 0  # a step down the gradient adds to it
        assert bool(lifted.any()) == expected
    row = next(x for x in FORMS.read_text().splitlines() if x.startswith(f'| {lmda} |'))
    assert row == f'| {lmda} | {ratio:.5f} |' or row == f'| {lmda} | {ratio:g} |'
