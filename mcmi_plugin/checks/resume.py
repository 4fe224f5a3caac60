"""A checkpoint to resume is one that this training has saved."""

from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mcmi_plugin.errors import UserError
from mcmi_plugin.last_checkpoint import find_checkpoint_to_resume
from mcmi_plugin.weights.file import load_checkpoint_file

_OF_A_TRAINING = ('state_dict', 'meta', 'optimizer', 'message_hub')


def check_resume(runner: Runner) -> None:
    """The checkpoint holds a training's state, and that of the config's networks.

    mmengine loads weights non-strictly, so that a checkpoint of another network
    would resume its epoch and its optimizer with random weights.

    Args:
        runner: about to resume, from ``load_from`` or from its work dir.

    Raises:
        UserError: it names the file and what is missing in it.
    """
    path = runner._load_from or find_checkpoint_to_resume(runner.work_dir)
    if path is None:
        return  # it starts anew
    checkpoint = load_checkpoint_file(path)
    missing = [name for name in _OF_A_TRAINING if name not in checkpoint]
    if missing:
        raise UserError(
            f'--resume: {path} is no checkpoint of a training (it has no '
            f'{", ".join(missing)}); name an epoch_N.pth of this config, or give '
            'weights alone as load_from'
        )
    model = get_ori_model(runner.model)
    # Not the buffers: hooks may yet bring them to the data set's size.
    saved = {name: value.shape for name, value in checkpoint['state_dict'].items()}
    differing = [n for n, p in model.named_parameters() if saved.get(n) != p.shape]
    if differing:
        raise UserError(
            f'--resume: {path} is of another network: {len(differing)} weights differ '
            f'({", ".join(differing[:3])}); resume it by its own config, or take '
            'another --work-dir'
        )
