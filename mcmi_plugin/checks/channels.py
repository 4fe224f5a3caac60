"""Teacher, student and images have one number of channels, or it is one line."""

import re
from typing import Any

from mmpretrain.utils import get_ori_model
from torch import nn

from mcmi_plugin.errors import UserError

# torch's words for it, if it is images that are meant and not features.
_OTHER_CHANNELS = re.compile(r'expected input\[\d+, ([13]),.* to have ([13]) channels')


def check_channels(model: Any) -> None:
    """Student and teacher of a distiller take images of one number of channels.

    Else one of them would refuse the first batch, the student after the teacher's
    whole stage.

    Args:
        model: built; of another kind than a distiller, nothing is checked.

    Raises:
        UserError: they do not.
    """
    model = get_ori_model(model)
    student, teacher = getattr(model, 'student', None), getattr(model, 'teacher', None)
    takes, wants = _channels(student), _channels(teacher)
    if takes is None or wants is None:
        return
    # By three means of its own a teacher makes three channels of a grey image.
    own = getattr(teacher, 'own_images', None)
    if wants != (max(takes, len(own.scale)) if own is not None else takes):
        raise UserError(
            f'model.teacher takes images of {wants} channels, model.architecture of '
            f'{takes}, and both see the same ones; set backbone.in_channels={takes} of '
            f'the teacher or backbone.in_channels={wants} of the student'
        )


def explain_channels(error: RuntimeError) -> None:
    """Say of which images a network does not take the channels.

    Returns only where torch's error has nothing to do with them.

    Raises:
        UserError: one line with both numbers.
    """
    if found := _OTHER_CHANNELS.search(str(error)):
        come, wanted = found.groups()
        raise UserError(
            f'train_dataloader: the images have {come} channels behind '
            f'data_preprocessor, and the network takes {wanted}; set backbone.'
            f'in_channels={come} of teacher and student, or give data_preprocessor a '
            'mean and std of as many numbers as the network takes channels'
        ) from error


def _channels(network: Any) -> int | None:
    """Of the images, if its first convolution sees them and not blocks of pixels."""
    if not isinstance(network, nn.Module):
        return None
    convs = (m for m in network.modules() if isinstance(m, nn.Conv2d))
    channels = next((conv.in_channels for conv in convs), None)
    return channels if channels in (1, 3) else None
