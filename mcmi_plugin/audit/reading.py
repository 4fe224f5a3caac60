"""What the figures of an audit mean for the choice of lambda, in sentences.

The thresholds in nats are those of ``docs/choosing.md``, which has the studies that
they come from.
"""

from mcmi_plugin.functional.temperature import TEMPERATURES
from mcmi_plugin.teacher.in_words import dial

HARDLY_OVERLAP = 0.3  # nats of training cross-entropy
OVERLAP = 0.65  # halfway from there to 1 nat
BY_HEART = 0.1  # nats that held-out data have more of it
CONFIDENCE_GAP = 1.0  # points
USUAL_TAU = 4.0  # of KD and DKD
_MEMORY = "the class sums of more do not fit into a quarter of the device's memory"


def sentences(audit: dict) -> list[str]:
    """A few sentences on an audit, as :func:`mcmi_plugin.audit.command.audit` made it.

    The last one says what an audit cannot.
    """
    train, held_out = audit['train'], audit['val']
    return [
        *_by_chance(held_out['accuracy'], len(audit['classes'])),
        *_made(audit['made']),
        _overlap(-train['ll']),
        *_by_heart(train['ll'] - held_out['ll']),
        _confidence(held_out),
        _temperature(train),
        _lambda(audit['lambda']),
        *_people(audit.get('people')),
        'None of this promises a better student: only a student against the one of '
        'lambda = 0 does (mcmi.control=True, or tools/sweep.py).',
    ]


def temperature_words(split: dict, key: str) -> str:
    """``3``, or ``16 or more`` where the curve still rises at its end."""
    temperatures = [point['temperature'] for point in split['temperatures']]
    best = split[key]
    if len(temperatures) == 1:
        return 'not known'
    if best == max(temperatures):
        return f'{best:g} or more'
    return f'{best:g} or less' if best == min(temperatures) else f'{best:g}'


def _by_chance(accuracy: float, num_classes: int) -> list[str]:
    chance = 100 / num_classes
    # Of two classes a right teacher cannot be right twice as often as chance.
    if accuracy >= min(2 * chance, chance + (100 - chance) / 4):
        return []
    return [
        f'It is right in {accuracy:.2f} % of the held-out data, by chance it would be '
        f'in {chance:.3g} %: check that data_preprocessor (mean, std, to_rgb) and the '
        'order of the classes are those that it was trained with. What follows means '
        'little.'
    ]


def _made(made: dict) -> list[str]:
    if made.get('stage') != 'mcmi':
        return []
    return [
        f'It is an MCMI teacher already ({dial(made)}); what is said of lambda is for '
        'another fine-tune, from here.'
    ]


def _overlap(ce: float) -> str:
    words = f'The cross-entropy on the training set is {ce:.4f} nats'
    if ce < HARDLY_OVERLAP:
        return (
            f'{words}, below {HARDLY_OVERLAP}: the classes hardly overlap. In our '
            'study of the forms no fine-tune gained more than 0.3 points there, and '
            'centroids that follow the model (mcmi.form=budget or ema) cost the '
            'student.'
        )
    if ce < OVERLAP:
        return f'{words}: the classes overlap a little; what helps there is open.'
    return (
        f'{words}, nearer to 1 than to {HARDLY_OVERLAP}: the classes overlap, or the '
        'teacher is not trained well. Where they overlap mcmi.form=budget '
        'mcmi.eps=0.02 gained in our studies.'
    )


def _by_heart(rise: float) -> list[str]:
    if rise < BY_HEART:
        return []
    return [
        f'On held-out data the cross-entropy is {rise:.3f} nats higher: the teacher '
        'knows part of its training set by heart. If you train it yourself, stopping '
        'it early led in our studies (mcmi.early_stopping=True).'
    ]


def _confidence(held_out: dict) -> str:
    gap = held_out['confidence'] - held_out['accuracy']
    words = (
        f'On held-out data it is {held_out["confidence"]:.2f} % confident and '
        f'{held_out["accuracy"]:.2f} % right'
    )
    if abs(gap) < CONFIDENCE_GAP:
        return f'{words}: no more and no less sure than it should be on average.'
    kind = 'over' if gap > 0 else 'under'
    return (
        f'{words}: {kind}confident. Of the temperatures tried LL is best there at '
        f'T = {temperature_words(held_out, "temperature_of_ll")}.'
    )


def _temperature(train: dict) -> str:
    at = {point['temperature']: point['cmi'] for point in train['temperatures']}
    best = train['temperature_of_cmi']
    if len(at) == 1:
        return f'No temperature curve: {_MEMORY}.'
    words = f'The CMI is {at[1.0]:.4f} nats at T = 1 and highest, {at[best]:.4f}, at '
    words += f'T = {temperature_words(train, "temperature_of_cmi")}'
    if USUAL_TAU in at:
        words += f'; at T = {USUAL_TAU:g} it is {at[USUAL_TAU]:.4f}'
    words += '. A distiller with a temperature tau hears the teacher at T = tau.'
    if len(at) < len(TEMPERATURES):
        words += f' The curve has {len(at)} of {len(TEMPERATURES)} temperatures: '
        words += f'{_MEMORY}.'
    return words


def _people(found: dict | None) -> list[str]:
    if found is None:
        return []
    as_is, fitted = found['as_is'], found['fitted']
    surer = as_is['entropy'] < as_is['people_entropy']
    return [
        f'People call {found["people_accuracy"]:.1f} % of the test images by their '
        f'label. Its predictions are {as_is["distance"]:.2f} from theirs (mean L2 x '
        f'100) and KL(people || P) is {as_is["kl"]:.4f} nats; it is '
        f'{"surer" if surer else "less sure"} than they are. At '
        f'T = {found["temperature"]:.3g}, which fits them best, that is '
        f'{fitted["distance"]:.2f} and {fitted["kl"]:.4f}: so much a temperature '
        'does by itself.'
    ]


def _lambda(found: dict) -> str:
    if 'missing' in found:
        named = ', '.join(found['missing'][:5])
        more = len(found['missing']) - 5
        return (
            f'No lambda can be suggested: no training sample of class {named}'
            f'{f" and {more} more" * (more > 0)}, hence no centroid.'
        )
    search = f'a search from {found["low"]:.3g} to {found["high"]:.3g} is worth it'
    if found['flip'] is None:
        return f'The centroids set no bound to lambda; {search}.'
    return (
        f'With fixed centroids labels may begin to flip near lambda '
        f'{found["flip"]:.3g}, because of class {found["label"]}, which looks least '
        f'like {found["least"]}; {search}. The bound is cautious: the digits of the '
        'quick start stood at 1.9 times theirs and fell off the cliff at 3.7 times.'
    )
