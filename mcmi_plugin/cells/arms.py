"""The arms that every comparison has: no gain can be told without the first two."""

# The name of each arm, and its options over the config.
MLL = 'MLL'
ZERO = 'lambda = 0'
NO_FINE_TUNE = {'mcmi.form': 'none', 'mcmi.lmda': None}
CONTROLS: dict[str, dict] = {MLL: NO_FINE_TUNE, ZERO: {'mcmi.lmda': 0.0}}
# What one can do instead of MCMI, which chooses on held-out data.
EARLY_STOPPED = {**NO_FINE_TUNE, 'mcmi.early_stopping': True}
TEMPERATURE = {**NO_FINE_TUNE, 'mcmi.temperature': 'validation'}


def paired_seeds(seed: int) -> dict:
    """Options of the student with a seed, which all arms share.

    Its teacher stage has another one: a student that starts from its teacher's own
    initial weights and sees the same batches retraces its overfitting.
    """
    return {'randomness.seed': seed, 'mcmi.seed': 1000 + seed}
