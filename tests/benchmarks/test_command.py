"""``python -m benchmarks`` itself, with its smallest suite."""

import json

import pytest

from benchmarks.__main__ import main, parser
from mcmi_plugin.errors import UserError


def test_an_unknown_suite_is_said_before_anything_runs():
    with pytest.raises(UserError, match="no suite 'centroid'; did you mean"):
        main(parser().parse_args(['centroid']))


def test_gpu_is_skipped_in_one_line_where_there_is_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    out = tmp_path / 'r.json'
    main(parser().parse_args(['gpu', '--out', str(out)]))
    assert 'gpu: skipped, ' in capsys.readouterr().out
    assert json.loads(out.read_text())['results'] == []
