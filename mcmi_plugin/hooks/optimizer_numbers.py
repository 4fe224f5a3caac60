"""A checkpoint's optimizer, its parameters numbered as the present one's are."""

from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_plugin.hooks.optimizer_settings import optimizers


def fit_to_optimizers(runner: Runner, saved: dict) -> None:
    """Fit the optimizers in a checkpoint to those of a Runner, in place.

    Args:
        saved: ``checkpoint['optimizer']``; of several optimizers one under each name.

    Raises:
        UserError: they are of another kind, or of other parameters.
    """
    model = get_ori_model(runner.model)
    present = dict(optimizers(runner))
    states = {'': saved} if 'param_groups' in saved else saved
    if present.keys() != states.keys():
        raise _misfit(f'{len(states)} optimizers, not {len(present)}')
    for name, wrapper in present.items():
        _renumber(states[name], wrapper, model)
        _check(states[name], wrapper)


def _renumber(state: dict, wrapper: OptimWrapper, model: nn.Module) -> None:
    """Of one group, with the frozen teacher there and left out here, or so."""
    groups = wrapper.optimizer.param_groups
    if len(groups) != 1 or len(state['param_groups']) != 1:
        return
    here, there = groups[0]['params'], state['param_groups'][0]['params']
    every = list(model.parameters())
    fewer = without_frozen_teacher(model)
    if (len(there), len(here)) == (len(every), len(fewer)):
        numbers = {there[i]: new for new, i in enumerate(fewer)}
    elif (len(there), len(here)) == (len(fewer), len(every)):
        numbers = dict(zip(there, fewer, strict=True))
    else:
        return
    state['state'] = {
        numbers[old]: of_one for old, of_one in state['state'].items() if old in numbers
    }
    state['param_groups'][0]['params'] = list(range(len(here)))


def _check(state: dict, wrapper: OptimWrapper) -> None:
    groups = wrapper.optimizer.param_groups
    sizes = [len(group['params']) for group in groups]
    saved_sizes = [len(group['params']) for group in state['param_groups']]
    if sizes != saved_sizes:
        raise _misfit(
            f'{sum(saved_sizes)} parameters in {len(saved_sizes)} groups, not '
            f'{sum(sizes)} in {len(sizes)}'
        )
    for group, saved in zip(groups, state['param_groups'], strict=True):
        # Another version of torch has keys more or less, another optimizer both.
        lacks = wrapper.optimizer.defaults.keys() - saved.keys()
        if lacks and saved.keys() - group.keys() - _OF_SCHEDULES:
            raise _misfit(f'no {", ".join(sorted(lacks))}')


_OF_SCHEDULES = {
    f'{p}_{n}' for p in ('initial', 'max', 'min') for n in ('lr', 'momentum')
}


def _misfit(holds: str) -> UserError:
    return UserError(
        f'--resume: optim_wrapper is not that of the checkpoint, which holds {holds}; '
        'resume by the optimizer that the run was begun with, or give the checkpoint '
        'as load_from'
    )


def without_frozen_teacher(model: nn.Module) -> list[int]:
    """Numbers, in ``model.parameters()``, of those but a frozen teacher's."""
    return [
        number
        for number, (name, parameter) in enumerate(model.named_parameters())
        if parameter.requires_grad or not name.startswith('teacher.')
    ]
