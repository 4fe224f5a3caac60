"""Let classifiers that wrap another library's network load what they have saved."""

from typing import Any

# What mmpretrain's classifiers have beside the network.
_BESIDE = ('loss_module.', 'data_preprocessor.')


def mend_wrapped_classifiers() -> None:
    """Leave the names of a loss's buffers alone when a checkpoint is loaded.

    What upstream gets wrong: ``TimmClassifier`` and ``HuggingFaceClassifier`` save
    their network without ``model.`` and put it before every name when they load.

    - ``loss_module.log_centroids`` is loaded as ``model.loss_module...``, which
      nothing has: a resumed fine-tune would be without its centroids.
    - Inside a distiller torch ignores what they take off, yet they put it on again:
      ``architecture.model.model...``. A resumed student would begin anew.

    The mend falls away when their hook leaves ``loss_module.`` and a ``model.`` that
    is there as they are.
    """
    from mmpretrain.models import HuggingFaceClassifier, TimmClassifier

    for classifier in (TimmClassifier, HuggingFaceClassifier):
        names = ('net.model.weight', 'net.loss_module.weight')
        state = dict.fromkeys(names)
        classifier._add_state_dict_prefix(state, 'net.', {}, True, [], [], [])
        if tuple(state) != names:
            classifier._add_state_dict_prefix = staticmethod(_add_prefix)


def _add_prefix(state_dict: dict, prefix: str, *args: Any) -> None:
    of_network = [
        name
        for name in state_dict
        if name.startswith(prefix) and not name.removeprefix(prefix).startswith(_BESIDE)
    ]
    if all(name.startswith(f'{prefix}model.') for name in of_network):
        return  # saved by a distiller
    for name in of_network:
        place = f'{prefix}model.{name.removeprefix(prefix)}'
        state_dict[place] = state_dict.pop(name)
