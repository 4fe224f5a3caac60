"""How a teacher was made, in words: of ``meta['mcmi']``, and of options."""

from mcmi_plugin.weights.held import DISTILLED, UNFINISHED

# What a fine-tune by another reward is called.
REWARD_NAMES = dict(
    wrong_class='wrong-class CMI',
    negative_entropy='entropy lowered',
    entropy='entropy raised',
    label_smoothing='label smoothing',
)
_BEGUN = {UNFINISHED: 'as given', DISTILLED: 'distilled'}


def dial(provenance: dict) -> str:
    """``lambda 0.1``, or ``budget 0.02 nats``: what a teacher was made with."""
    if provenance.get('eps') is not None:
        form = provenance['form'].replace('_', ' ')
        return f'{form} {provenance["eps"]:g} nats'
    return f'lambda {provenance["lmda"]:g}'


def made_as(provenance: dict) -> str:
    """``MCMI``, or what else the teacher was made into."""
    made = 'MLL' if provenance.get('form') == 'none' else 'MCMI'
    if provenance.get('reward', 'cmi') != 'cmi':
        made = REWARD_NAMES[provenance['reward']]
    if 'temperature' in provenance:
        made += f', T = {provenance["temperature"]:.3g}'
    if 'cliff' in provenance and 'stopped_after' not in provenance:
        made += ' (off the cliff)'
    return made


def begun_as(provenance: dict) -> str:
    """What the teacher was before its fine-tune, in a word or two."""
    stage = (provenance.get('base') or {}).get('stage', '')
    return _BEGUN.get(stage, 'MLL')


def settings_in_words(provenance: dict) -> str:
    """``lambda 0.1``: how the teacher was made, in a few words."""
    form = provenance.get('form', 'fixed')
    words = ['no fine-tune' if form == 'none' else dial(provenance)]
    if form == 'ema':
        words.append('centroids follow the model')
    if 'cliff' in provenance:
        words.append(off_the_cliff(provenance))
    kept = provenance.get('kept_epoch', provenance['base'].get('kept_epoch'))
    if kept is not None:
        words.append(f'MLL stopped early, at epoch {kept}')
    if provenance.get('worse_than_guessing'):
        words.append('the teacher was worse than guessing at the start')
    if 'temperature' in provenance:
        words.append(f'logits divided by {provenance["temperature"]:.3g}')
    return ', '.join(words)


def off_the_cliff(provenance: dict) -> str:
    """``off the cliff in epochs 3 to 10``: when, and what became of it."""
    epochs = provenance['cliff']['epochs']
    first, last = epochs[0], epochs[-1]
    words = f'off the cliff in epoch {first}'
    if last != first:
        words = f'off the cliff in epochs {first} to {last}'
    if 'stopped_after' in provenance:
        words += f', the teacher of epoch {provenance["stopped_after"]} kept'
    return words
