"""The samples of a config's data set, for the recipe of a teacher."""

import functools
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS

from mcmi_plugin.isolation import isolated
from mcmi_plugin.networks import built
from mcmi_plugin.processes import on_main
from mcmi_plugin.teacher.content import Content, content_of
from mcmi_plugin.teacher.data import plain_dataset


class DataToLearn:
    """A data set of a config, looked into when first asked what it holds."""

    def __init__(self, cfg: Config, config: ConfigDict, dataset: Any = None) -> None:
        self._cfg = cfg
        self._config = plain_dataset(config)
        self._dataset = dataset

    @functools.cached_property
    def content(self) -> Content:
        """The same on all processes, which ask together; one of them looks."""
        return on_main(self._look)

    def _look(self) -> Content:
        dataset = self._dataset
        with isolated():  # a data set may draw random numbers, and MMRazor's do
            if dataset is None:
                dataset = built(DATASETS, self._config, self._cfg)
            return content_of(dataset, self._config.to_dict())
