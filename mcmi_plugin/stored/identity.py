"""What a row of a store is of: two runs with the same identity share their rows."""

import re
from typing import Any

from mmengine.runner import Runner
from torch import nn

from mcmi_plugin.datasets.content import digest_of
from mcmi_plugin.normalisation import normalisation
from mcmi_plugin.stored.folder import FORMAT
from mcmi_plugin.stored.kept import Kept
from mcmi_plugin.stored.options import StoreOptions
from mcmi_plugin.stored.views import Views, images_of
from mcmi_plugin.weights.loading import weights_hash


def identity_of(
    runner: Runner,
    model: Any,
    kept: Kept,
    kind: str,
    views: Views,
    options: StoreOptions,
) -> dict:
    """Plain values that decide about every row.

    Args:
        runner: of the distillation.
        model: the distiller.
        kept: what of its teacher can be kept.
        kind: what is.
        views: of its training images.
        options: of the store.
    """
    images = images_of(runner.train_dataloader.dataset)
    identity = dict(
        format=FORMAT,
        teacher=weights_hash(model.teacher.state_dict()),
        network=_structure(model.teacher),
        data=digest_of(images),
        views=views.described,
        images=_preparation(model),
        precision=_precision(runner),
        kept=kind,
        dtype=options.dtype,
        width=kept.widths[kind],
        num_images=len(images),
        num_views=views.number,
    )
    if options.dtype == 'float32':
        # To the last bit it matters how a row was computed.
        identity['computed'] = dict(
            algorithm=type(model).__name__,
            device=next(model.parameters()).device.type,
            folded=bool(getattr(model, '_folds', False)),
            channels_last=bool(getattr(model, 'channels_last', False)),
        )
    return identity


# What a store must share with another one, for their mean to be of the same images.
SAME = ('data', 'views', 'num_images', 'num_views')


def _structure(network: nn.Module) -> str:
    """The network in torch's words; what it may overwrite changes no value."""
    return re.sub(r',? ?inplace=\w+', '', str(network)).replace('()', '')


def _preparation(model: Any) -> list:
    """What is done to an image between the pipeline and the teacher."""
    own = getattr(model.teacher, 'own_images', None)
    said = normalisation(model.data_preprocessor)
    if said is None:
        parts: list = [repr(model.data_preprocessor)]
    else:
        parts = [said.mean.tolist(), said.std.tolist(), said.turned]
        parts += [getattr(model.data_preprocessor, 'pad_size_divisor', 1)]
    if own is not None:
        parts += [own.scale.flatten().tolist(), own.shift.flatten().tolist(), own.turns]
    return parts


def _precision(runner: Runner) -> str:
    wrapper = runner.optim_wrapper
    if 'Amp' not in type(wrapper).__name__:
        return 'float32'
    return str(getattr(wrapper, 'cast_dtype', None) or 'float16')
