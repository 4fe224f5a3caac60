"""The paper's pairs under every method that reads logits or the classifier's input."""

import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample

from mcmi_plugin.fast.known import NotKept
from mcmi_plugin.fast.parts import ALGORITHM
from mcmi_plugin.losses.crd_contrast_loss import CRDContrastLoss
from mcmi_plugin.stored.answer import Answers
from mcmi_plugin.stored.folder import open_table
from mcmi_plugin.stored.kept import find_kept

sys.path.append(str(Path(__file__).resolve().parents[1] / 'configs'))
from combinations import PAIRS, write_config  # noqa: E402

ELIGIBLE = ('kd', 'dkd', 'rkd', 'pkt', 'cc', 'crd')
OTHERS = ('at', 'sp', 'vid', 'reviewkd', 'hsakd')
BATCH = 6


def built(pair, method, tmp_path, fast=False):
    cfg = Config.fromfile(write_config(tmp_path, pair, method))
    cfg.model.teacher_ckpt = None
    cfg.model.data_preprocessor = cfg.data_preprocessor
    if fast:
        cfg.model.type = ALGORITHM[2]
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.train()
    for module in model.modules():
        if isinstance(module, CRDContrastLoss):  # as CRDBankHook does
            module.prepare(torch.arange(400) % 100)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(BATCH, 3, 32, 32, generator=generator)
    samples = [
        DataSample(metainfo=dict(sample_idx=i, view_idx=i % 2)).set_gt_label(i)
        for i in range(BATCH)
    ]
    return model, images, samples


def losses(model, batch):
    torch.manual_seed(1)  # CRD draws its negatives
    data = model.data_preprocessor(batch, True)
    return {
        name: float(value)
        for name, value in model.loss(data['inputs'], data['data_samples']).items()
        if name.startswith('distill')
    }


def compare(pair, method, tmp_path, fast=False):
    model, images, samples = built(pair, method, tmp_path, fast)
    kept = find_kept(model.teacher, model.distiller, images, samples)
    banks = {k: v.clone() for k, v in model.distiller.state_dict().items()}
    batch = dict(inputs=images, data_samples=samples)
    live = losses(model, batch)
    kind = kept.choose(exact=method == 'crd')
    form = dict(dtype='float32', num_images=BATCH, num_views=2, format=1)
    identity = dict(form, kept=kind, width=kept.widths[kind])
    answers = Answers(model, kept, kind, open_table(tmp_path / kind, identity))
    answers.begin()
    for found in (0, BATCH):
        model.distiller.load_state_dict(banks)
        answers.ahead(batch)
        stored = losses(model, batch)
        assert answers.found == found
        assert live and stored == pytest.approx(live, rel=1e-4, abs=1e-6)
    # The sample in the table is what the teacher says.
    answers.end()
    rows, there = answers.table.rows(torch.arange(BATCH), torch.arange(BATCH) % 2)
    assert there.all()
    data = model.data_preprocessor(batch, True)
    own = answers.ask(*data.values(), torch.arange(BATCH))
    torch.testing.assert_close(rows, own, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('method', ELIGIBLE)
def test_of_one_pair(method, tmp_path):
    compare('r56_r20', method, tmp_path)


@pytest.mark.parametrize('method', ['kd', 'pkt'])
def test_in_the_lean_algorithm(method, tmp_path):
    compare('wrn40_2_shuv1', method, tmp_path, fast=True)


@pytest.mark.slow
@pytest.mark.parametrize('method', ELIGIBLE)
@pytest.mark.parametrize('pair', [pair for pair in PAIRS if pair != 'r56_r20'])
def test_of_all_pairs(pair, method, tmp_path):
    compare(pair, method, tmp_path)


@pytest.mark.parametrize('method', OTHERS)
def test_methods_on_maps_keep_the_teacher(method, tmp_path):
    model, images, samples = built('r56_r20', method, tmp_path)
    with pytest.raises(NotKept, match='backbone|auxiliary|loss'):
        find_kept(model.teacher, model.distiller, images, samples)
