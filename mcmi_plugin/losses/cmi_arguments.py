"""What :class:`CMILoss` may be told."""

from ..errors import UserError
from ..faults.numbers import is_finite
from ..functional.rewards import WITHOUT_CENTROIDS

FORMS = ('fixed', 'ema', 'budget')
REWARDS = ('cmi', 'wrong_class', *WITHOUT_CENTROIDS)


def check_arguments(
    lmda: float | None, num_classes: int, form: str, eps: float | None, reward: str
) -> None:
    """Refuse arguments out of their range or against each other.

    Raises:
        UserError: the line names the argument and what it may be.
    """
    for name, value, valid in (('form', form, FORMS), ('reward', reward, REWARDS)):
        if value not in valid:
            raise UserError(f'CMILoss.{name} is {value!r}: give {", ".join(valid)}')
    if form != 'fixed' and reward != 'cmi':
        raise UserError(
            f'CMILoss.reward={reward} needs form=fixed: form={form} is for the CMI'
        )
    if form == 'budget':
        if lmda is not None:
            raise UserError(
                f'CMILoss.lmda is {lmda!r}: form=budget sets it, leave it None'
            )
        if not is_finite(eps) or eps <= 0:
            raise UserError(
                f'CMILoss.eps is {eps!r}: give a finite number > 0, the rise of the '
                'cross-entropy allowed, in nats'
            )
    else:
        if not is_finite(lmda) or lmda < 0:
            raise UserError(
                f'CMILoss.lmda is {lmda!r}: give a finite number >= 0 '
                '(a positive value rewards CMI)'
            )
        if eps is not None:
            raise UserError(f'CMILoss.eps is {eps!r}: it is for form=budget only')
    if not isinstance(num_classes, int) or num_classes < 2:
        raise UserError(
            f'CMILoss.num_classes is {num_classes!r}: give the width of the '
            'head, 2 or more'
        )
