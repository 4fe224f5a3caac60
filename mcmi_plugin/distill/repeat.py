"""Entries of a method's config that stand for one entry per stage."""

STAGE, LEVEL = '{stage}', '{level}'


def repeated(entries: dict, num_stages: int) -> dict:
    """Write out every entry whose key holds ``{stage}`` or ``{level}``.

    ``{stage}`` counts the stages from 0; ``{level}`` goes one further, to what
    ReviewKD calls a level and is the pooled vector. The number takes the place of
    the mark in the key and in every string of the value.

    >>> repeated({'at_{stage}': {'from': 'stages.{stage}'}}, 2)
    {'at_0': {'from': 'stages.0'}, 'at_1': {'from': 'stages.1'}}
    """
    written_out = {}
    for key, value in entries.items():
        if STAGE in key:
            mark, count = STAGE, num_stages
        elif LEVEL in key:
            mark, count = LEVEL, num_stages + 1
        else:
            is_dict = isinstance(value, dict)
            written_out[key] = repeated(value, num_stages) if is_dict else value
            continue
        for i in range(count):
            written_out[key.replace(mark, str(i))] = _numbered(value, mark, str(i))
    return written_out


def _numbered(value, mark: str, number: str):
    if isinstance(value, dict):
        return {key: _numbered(part, mark, number) for key, part in value.items()}
    return value.replace(mark, number) if isinstance(value, str) else value
