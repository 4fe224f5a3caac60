"""The optimizers of a config."""


def wrappers_in(optim_wrapper: dict) -> dict[str, dict]:
    """The wrapper of each optimizer in a config; a single one has the name ''."""
    if 'optimizer' in optim_wrapper:
        return {'': optim_wrapper}
    return {
        name: part
        for name, part in optim_wrapper.items()
        if isinstance(part, dict) and 'optimizer' in part
    }
