"""Each method that a store serves: its student is the one of the live teacher."""

import pytest
from small import LOGITS, assert_same, distiller, network, teacher_file, train

from mcmi_plugin.config_file import read_config
from mcmi_plugin.distill.compose import compose
from mcmi_plugin.locations import CONFIGS

METHODS = (
    'kd', 'dkd', 'rkd', 'pkt', 'cc', 'crd', 'dist', 'kd_ls', 'dkd_ls', 'wttm', 'nkd',
    'kd_ats',
)  # fmt: skip
WSLD = distiller(
    dict(type='WSLD', tau=2, loss_weight=2.5, num_classes=10),
    LOGITS,
    ('student', 'teacher'),
)
WSLD['student_recorders']['label'] = dict(
    type='ModuleInputs', source='head.loss_module'
)
WSLD['loss_forward_mappings']['loss_it']['gt_labels'] = dict(
    recorder='label', from_student=True, data_idx=1
)
BY_HAND = dict(
    wsld=WSLD,
    sp_pooled=distiller(
        dict(type='SPLoss', loss_weight=3000.0),
        dict(type='ModuleOutputs', source='neck.gap'),
        ('s_feature', 't_feature'),
    ),
)


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    """A teacher's file, and beside it the rows that all methods here share."""
    folder = tmp_path_factory.mktemp('methods')
    (folder / 'net.py').write_text(f'model = {network()!r}\n')
    return folder, teacher_file(folder)


def changes_of(method: str, folder) -> dict:
    """What a config of a method has beside the plain one, with a small teacher."""
    if method in BY_HAND:
        return dict(distiller=BY_HAND[method])
    file = read_config(str(CONFIGS / f'_base_/methods/{method}.py'))
    net = str(folder / 'net.py')
    pair = dict(
        teacher=net, student=net, teacher_ckpt=None, num_classes=10, dkd_beta=2.0
    )
    own = compose(pair, file.method)['distiller']
    for loss in own['distill_losses'].values():
        if 'num_negatives' in loss:
            loss['num_negatives'] = 16
    return {'distiller': own, 'custom_hooks': file.get('custom_hooks', [])}


@pytest.mark.parametrize('method', [*METHODS, *BY_HAND])
def test_the_same_student_to_the_last_bit(method, tmp_path, teacher):
    folder, weights = teacher
    changes = changes_of(method, folder)
    hooks = changes.pop('custom_hooks', [])
    changes |= {'images': 40, 'fast': True, 'train_cfg.max_epochs': 1}
    live, _ = train(tmp_path / 'live', weights, custom_hooks=hooks, **changes)
    store = dict(dtype='float32', dir=str(folder))
    own = dict(type='TeacherStoreHook', **store)
    stored, answers = train(
        tmp_path / 'stored', weights, store, custom_hooks=[*hooks, own], **changes
    )
    assert_same(stored, live)
    # The same seed is the same views: the first of all methods finds none of them.
    assert answers.asked == 40 and answers.found in (0, 40)
    assert answers.kind == 'features'
