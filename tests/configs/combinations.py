"""Every pair with every method, as a user would write the config."""

import copy
from pathlib import Path

from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
BASE = CONFIGS / '_base_'

# The rows of Table 1, and its columns.
METHODS = (
    *('kd', 'at', 'pkt', 'sp', 'cc', 'rkd', 'vid', 'crd', 'dkd', 'reviewkd'),
    'hsakd',
)
# Not of the paper: what a researcher holds beside it.
LOGIT_METHODS = ('kd_ls', 'dkd_ls', 'kd_ats', 'dist', 'wttm', 'nkd')
PAIRS = (
    *('r56_r20', 'r110_r20', 'r110_r32', 'wrn40_2_wrn16_2', 'wrn40_2_wrn40_1'),
    *('vgg13_vgg8', 'r50_mnv2', 'r50_vgg8', 'r32x4_shuv1', 'r32x4_shuv2'),
    *('wrn40_2_shuv1', 'vgg13_mnv2'),
)
CIFAR = [(pair, method) for pair in PAIRS for method in METHODS]
# The rows of Table 2 are files of their own.
IMAGENET = [
    f'mcmi/{pair}{method}_imagenet.py'
    for pair in ('r34_r18', 'r50_mnv2')
    for method in ('', '_dkd', '_reviewkd', '_crd')
]

COMPOSITION = """\
_base_ = ['{base}/pairs/{pair}.py', '{base}/methods/{method}.py']
from mcmi_plugin.distill import compose
model = compose(_base_.pair, _base_.method)
"""
MCMI = 'mcmi = _base_.pair.mcmi\n'

PAIR = Config.fromfile(BASE / 'pairs/r56_r20.py').pair


def method_of(name: str) -> dict:
    return copy.deepcopy(Config.fromfile(BASE / f'methods/{name}.py').method)


def write_config(folder: Path, pair: str, method: str, mcmi: bool = False) -> Path:
    """The three lines of a distillation, and the fourth for an MCMI teacher."""
    path = folder / f'{pair}_{method}.py'
    text = COMPOSITION.format(base=BASE, pair=pair, method=method)
    path.write_text(text + MCMI * mcmi)
    return path
