"""Every form of the teacher stage through real Runners, on a few digits."""

import json

import pytest
import torch
from conftest import QUICKSTART
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmpretrain.models import LinearClsHead

from mcmi_plugin.errors import UserError
from mcmi_plugin.teacher.make import Job, provide_teacher
from mcmi_plugin.teacher.model import teacher_model
from mcmi_plugin.teacher.options import TeacherOptions
from mcmi_plugin.teacher.stage import run_stage
from mcmi_plugin.teacher.stage_config import stage_config
from mcmi_plugin.teacher.start import Start

FORMS = {
    'ema': dict(form='ema', lmda=1.0),
    'budget': dict(form='budget', eps=1.0),
    'wrong_class': dict(reward='wrong_class', lmda=1.0),
}
SAMPLES = 100


def small(folder):
    """The quick start with a small teacher and fewer images."""
    cfg = Config.fromfile(QUICKSTART)
    cfg.work_dir = str(folder / 'run')
    cfg.model.teacher.backbone.update(stem_channels=4, base_channels=4)
    cfg.model.teacher.head.in_channels = 32
    # Serialising would collect garbage, for seconds in the process of many tests.
    cfg.train_dataloader.dataset.update(indices=SAMPLES, serialize_data=False)
    cfg.val_dataloader.dataset.update(indices=60, serialize_data=False)
    return cfg


@pytest.fixture
def cfg(tmp_path):
    return small(tmp_path)


@pytest.fixture(scope='module', autouse=True)
def _quicker():
    with pytest.MonkeyPatch.context() as patch:
        # Each Runner would ask for the compilers' versions.
        patch.setattr('mmengine.runner.runner.collect_env', dict)
        yield


def make(cfg, **options):
    path = provide_teacher(Job(cfg, TeacherOptions(**options)))
    checkpoint = torch.load(path, weights_only=True)
    return path, checkpoint['state_dict'], checkpoint['meta']['mcmi']


class Interrupted(Exception):
    pass


class InterruptHook(Hook):
    def before_train_epoch(self, runner):
        if runner.epoch == 2:
            raise Interrupted


@pytest.mark.parametrize(
    'form', ['ema', 'budget', pytest.param('wrong_class', marks=pytest.mark.slow)]
)
def test_a_resumed_fine_tune_is_the_same_bit_by_bit(form, trained, tmp_path):
    cfg, weights = trained
    cfg.train_dataloader.batch_size = 10  # the controller averages over 2 or 3
    options = TeacherOptions(epochs=3, **FORMS[form])

    def run(name, resume=False, interrupt=False):
        stage = stage_config(cfg, options, 'mcmi', str(tmp_path / name))
        if interrupt:
            stage.custom_hooks.append(dict(type='InterruptHook'))
        return run_stage(stage, resume, Start('trained', weights, {}))

    state, record = run('whole')
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HOOKS._module_dict, 'InterruptHook', InterruptHook)
        with pytest.raises(Interrupted):
            run('interrupted', interrupt=True)
    resumed_state, resumed = run('interrupted', resume=True)

    assert all(torch.equal(state[name], resumed_state[name]) for name in state)
    assert not any('loss_module' in name for name in state)
    assert len(record['history']) == 3
    assert record['history'] == resumed['history']
    if form != 'wrong_class':
        assert record['start'] == resumed['start']
        first = record['history'][0]
        assert first['rise'] == pytest.approx(first['ce'] + record['start']['ll'])
    if form == 'budget':
        lambdas = [epoch['lmda'] for epoch in record['history']]
        assert all(0 < lmda < 5 for lmda in lambdas), lambdas


def test_what_the_steps_start_from_is_taken_without_a_trace(cfg, tmp_path):
    """In train mode, with batch norm and the random state put back afterwards."""
    options = TeacherOptions(form='ema', lmda=0.0, epochs=1)
    plain = TeacherOptions(lmda=0.0, epochs=1)
    states = []
    for name, chosen in (('ema', options), ('fixed', plain)):
        stage = stage_config(cfg, chosen, 'mcmi', str(tmp_path / name))
        stage.train_dataloader.dataset.pipeline.insert(
            0, dict(type='RandomFlip', prob=0.5, _scope_='mmpretrain')
        )
        states.append(run_stage(stage, False))
    (state, record), (expected, _) = states
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    # Not eval mode: batch norm normalises by the batch.
    assert record['start']['ll'] != pytest.approx(record['before']['train']['ll'])


def test_a_budget_shows_in_folder_log_and_provenance(trained, tmp_path):
    path, _, mcmi = make(trained[0], form='budget', epochs=2)
    assert '-mcmi-budget-eps0.02-' in path
    assert (mcmi['form'], mcmi['eps'], mcmi['lmda']) == ('budget', 0.02, None)
    assert mcmi['recipe']['model']['head']['loss']['eps'] == 0.02
    (log,) = tmp_path.glob('mcmi_teachers/*-budget-*/*/*.log')
    (line,) = [line for line in log.read_text().splitlines() if ' epoch 2: CE' in line]
    figures = mcmi['history'][1]
    assert f'(rise {figures["rise"]:+.4f})' in line
    assert f'lambda {figures["lmda"]:.3g}' in line and 'Q0' not in line
    assert f'CMI {figures["cmi"]:.4f}' in line


@pytest.fixture(scope='module')
def mll(tmp_path_factory):
    """An MLL teacher of two epochs."""
    folder = tmp_path_factory.mktemp('mll')
    path, state, mcmi = make(small(folder), mll_epochs=2, form='none')
    return path, state, mcmi, folder


@pytest.fixture
def trained(cfg, mll):
    """The configuration with that teacher as the given one, and its weights."""
    cfg.model.teacher_ckpt = mll[0]
    return cfg, mll[1]


@torch.no_grad()
def logits(cfg, state):
    model = MODELS.build(teacher_model(cfg)).eval()
    model.load_state_dict(state)
    inputs = torch.rand(9, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return model(inputs, mode='tensor')


def test_without_a_fine_tune_the_mll_teacher_is_handed_over_and_measured(mll):
    path, state, mcmi, folder = mll
    (trained_file,) = folder.glob('mcmi_teachers/*-mll-*/teacher.pth')
    trained = torch.load(trained_file, weights_only=True)
    assert all(torch.equal(state[k], v) for k, v in trained['state_dict'].items())
    assert (mcmi['stage'], mcmi['form']) == ('mll', 'none')
    assert mcmi['before'] == mcmi['after']
    assert mcmi['after']['train']['num_samples'] == SAMPLES
    assert mcmi['after']['val']['cmi'] > 0
    assert mcmi['base']['history'] == trained['meta']['mcmi']['history']
    assert make(small(folder), mll_epochs=2, form='none')[0] == path  # found


def test_a_temperature_is_in_the_last_layer(trained):
    cfg, state = trained
    path, cooler, mcmi = make(cfg, form='none', temperature=2)
    assert '-none-T2-' in path and mcmi['temperature'] == 2
    changed = [name for name in state if not torch.equal(state[name], cooler[name])]
    assert sorted(changed) == ['head.fc.bias', 'head.fc.weight']
    torch.testing.assert_close(logits(cfg, cooler), logits(cfg, state) / 2)
    assert mcmi['after']['train']['entropy'] > mcmi['before']['train']['entropy']
    assert mcmi['after']['val']['accuracy'] == mcmi['before']['val']['accuracy']


def test_the_temperature_of_the_validation_set_is_the_best_on_it(trained):
    cfg, _ = trained
    *_, best = make(cfg, form='none', temperature='validation')
    assert best['after']['val']['ll'] > best['before']['val']['ll']
    for factor in (0.9, 1.1):
        temperature = factor * best['temperature']
        *_, other = make(cfg, form='none', temperature=temperature)
        assert other['after']['val']['ll'] < best['after']['val']['ll']


def test_an_mcmi_teacher_gets_its_temperature_afterwards(trained):
    cfg, _ = trained
    path, state, warm = make(cfg, lmda=0.1, epochs=1)
    _, cooler, cool = make(cfg, lmda=0.1, epochs=1, temperature=2)
    torch.testing.assert_close(logits(cfg, cooler), logits(cfg, state) / 2)
    assert (cool['stage'], cool['lmda'], cool['temperature']) == ('mcmi', 0.1, 2)
    assert cool['before'] == warm['before'] and cool['history'] == warm['history']
    assert cool['after']['train']['ll'] != warm['after']['train']['ll']
    cfg.model.teacher_ckpt = path  # given as such
    assert torch.equal(
        make(cfg, form='none', temperature=2)[1]['head.fc.bias'],
        cooler['head.fc.bias'],
    )


def test_early_stopping_keeps_the_epoch_with_the_best_ll(cfg, tmp_path):
    # Forty images only, at a high rate: every epoch is worse than the first.
    cfg.train_dataloader.dataset.indices = 40
    cfg.optim_wrapper.optimizer.lr = 0.5
    path, state, mcmi = make(cfg, mll_epochs=3, form='none', early_stopping=True)
    assert '-none-early-stopped-' in path
    (folder,) = tmp_path.glob('mcmi_teachers/*-mll-early-stopped-*')
    assert not [*folder.glob('epoch_*.pth'), *folder.glob('best_*.pth')]
    (scalars,) = folder.rglob('scalars.json')
    lines = [json.loads(line) for line in scalars.read_text().splitlines()]
    ll = {line['step']: line['mcmi/ll'] for line in lines if 'accuracy/top1' in line}
    best = max(ll, key=ll.get)
    assert best < 3  # or nothing is shown
    assert mcmi['base']['kept_epoch'] == best
    assert mcmi['after']['val']['ll'] == pytest.approx(ll[best], abs=1e-6)


def test_a_teacher_may_have_a_data_set_of_its_own(cfg):
    own = dict(cfg.train_dataloader.dataset, indices=80)
    options = TeacherOptions(mll_epochs=1, form='none', dataset=own)
    path = provide_teacher(Job(cfg, options))
    mcmi = torch.load(path, weights_only=True)['meta']['mcmi']
    assert mcmi['after']['train']['num_samples'] == 80
    assert mcmi['recipe']['data']['indices'] == 80
    assert cfg.train_dataloader.dataset.indices == SAMPLES


@pytest.mark.parametrize(
    'options', [dict(early_stopping=True), dict(temperature='validation')]
)
def test_without_a_validation_set_nothing_can_be_judged_by_it(cfg, options, tmp_path):
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    (key,) = options
    with pytest.raises(UserError, match=f'mcmi.{key}=.*val_dataloader'):
        make(cfg, mll_epochs=1, form='none', **options)
    assert not list(tmp_path.rglob('*.pth'))


class ScaledHead(LinearClsHead):
    """Its logits do not follow its last layer's weights."""

    def forward(self, feats):
        scores = super().forward(feats)
        return scores / scores.norm(dim=1, keepdim=True)


def test_a_temperature_needs_a_linear_last_layer(trained, monkeypatch):
    cfg, _ = trained
    monkeypatch.setitem(MODELS._module_dict, 'ScaledHead', ScaledHead)
    cfg.model.teacher.head.type = 'ScaledHead'
    with pytest.raises(UserError, match='mcmi.temperature=2: the logits of Image'):
        make(cfg, form='none', temperature=2)
