"""A teacher that was made by a shipped config is found again by later versions."""

import json
from pathlib import Path

from shipped_recipes import now


def test_the_recipes_of_all_shipped_configs_are_what_they_were():
    kept = json.loads(Path(__file__).with_name('shipped_recipes.json').read_text())
    found = now()
    # A new config or arm is written down by shipped_recipes.py.
    assert found.keys() == kept.keys()
    for name, recipes in found.items():
        assert recipes == kept[name], name
