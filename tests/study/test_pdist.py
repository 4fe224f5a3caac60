"""Of data whose true BCPD is not known."""

from types import SimpleNamespace

import pytest
from torch import nn

from mcmi_plugin.errors import UserError
from mcmi_study import measures
from mcmi_study.pdist import pdist_of


def test_the_remedy_names_the_measure_of_a_study():
    with pytest.raises(UserError, match="leave '(.+)' out of the measures") as error:
        pdist_of(nn.Identity(), SimpleNamespace(dataset=[]))
    name = str(error.value).split("'")[1]
    assert name in measures.MEASURES
