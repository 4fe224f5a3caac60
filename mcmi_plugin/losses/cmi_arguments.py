"""What an MCMI fine-tune may be told of lambda, by its loss and by ``mcmi``."""

from collections.abc import Sequence

from ..errors import UserError
from ..faults.values import require_number, require_one_of
from ..functional.rewards import WITHOUT_CENTROIDS

BUDGETED = ('budget', 'lower_bound')  # lambda is set by the controller
FORMS = ('fixed', 'ema', *BUDGETED)
REWARDS = ('cmi', 'wrong_class', *WITHOUT_CENTROIDS)


def check_dial(
    of: str,
    lmda: float | None,
    form: str,
    eps: float | None,
    reward: str,
    forms: Sequence[str] = FORMS,
) -> None:
    """One dial to a form: lambda, or eps, or none; and a reward that goes with it.

    Args:
        of: what the arguments stand under, for errors.

    Raises:
        UserError: the line names the argument and what it may be.
    """
    require_one_of(f'{of}.form', form, forms)
    require_one_of(f'{of}.reward', reward, REWARDS)
    if form in (*BUDGETED, 'none') and lmda is not None:
        does = 'sets lambda itself' if form in BUDGETED else 'does no fine-tune'
        raise UserError(
            f'{of}.lmda={lmda!r}: {of}.form={form} {does}; leave {of}.lmda out'
        )
    if form in BUDGETED:
        require_number(f'{of}.eps', eps, lambda v: v > 0, 'above 0, in nats, e.g. 0.02')
    elif eps is not None:
        raise UserError(
            f'{of}.eps={eps!r}: is for {of}.form=budget, not {form}; set that, or '
            f'leave {of}.eps out'
        )
    if form in ('fixed', 'ema'):
        if lmda is None:
            raise UserError(
                f'{of}.lmda is not set; give lambda of eq. 14, for example 0.1, or set '
                f'{of}.form=budget, which needs none'
            )
        require_number(
            f'{of}.lmda', lmda, lambda v: v >= 0, '0 or more, for example 0.1'
        )
        if reward == 'label_smoothing' and lmda >= 1:
            raise UserError(
                f'{of}.lmda={lmda!r}: as label smoothing it must be below 1'
            )
    if reward != 'cmi' and form != 'fixed':
        raise UserError(
            f'{of}.reward={reward}: goes with {of}.form=fixed only; leave {of}.form out'
        )
