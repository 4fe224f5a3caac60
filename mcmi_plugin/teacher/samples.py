"""What the data set of a config holds, for the recipe of a teacher."""

from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS

from mcmi_plugin.datasets.configs import plain_dataset
from mcmi_plugin.datasets.content import Content, content_of
from mcmi_plugin.isolation import isolated
from mcmi_plugin.networks import built
from mcmi_plugin.processes import on_main


def content_in(cfg: Config, config: ConfigDict, dataset: Any = None) -> Content:
    """The same on all processes, which ask together; one of them looks.

    Args:
        config: of the data set.
        dataset: the same, where it is built already.
    """
    plain = plain_dataset(config)

    def look() -> Content:
        with isolated():  # a data set may draw random numbers, and MMRazor's do
            looked_at = built(DATASETS, plain, cfg) if dataset is None else dataset
            return content_of(looked_at, plain.to_dict())

    return on_main(look)
