"""The matrix of versions, with stand-ins for Python and what it installs."""

import os
import re
import subprocess

import pytest
from conftest import PROJECT

# Makes an environment whose pip knows torch 2.11.0 and later, and whose Python passes.
PYTHON = """#!/bin/sh
mkdir -p "$3/bin"
printf '#!/bin/sh\\ncase "$*" in *torch==2.6.0*) exit 1;; esac\\n' > "$3/bin/pip"
printf '#!/bin/sh\\necho 2.11.0 0.26.0\\n' > "$3/bin/python"
chmod +x "$3/bin/pip" "$3/bin/python"
"""


@pytest.fixture
def check_versions(tmp_path):
    """Run it where there is a ``python3.98`` and neither ``python3.99`` nor uv."""
    (tmp_path / 'python3.98').write_text(PYTHON)
    (tmp_path / 'python3.98').chmod(0o755)

    def run(*words) -> subprocess.CompletedProcess:
        script = PROJECT / 'tools/check_versions.sh'
        return subprocess.run(
            ['bash', str(script), '-l', str(tmp_path), *words],
            capture_output=True, text=True, timeout=1800,
            env={**os.environ, 'PATH': f'{tmp_path}:/usr/bin:/bin'},
        )  # fmt: skip

    return run


def rows(done: subprocess.CompletedProcess) -> list[str]:
    # How long a step takes is the machine's affair.
    said = re.sub(r'\(\d+ min\)', '(0 min)', done.stdout)
    return [line for line in said.splitlines() if line.startswith('| 3.')]


def test_what_is_not_there_is_skipped_and_said(check_versions):
    done = check_versions('-p', '3.98 3.99', '-t', '2.6.0 2.11.0 uv')
    assert rows(done) == [
        '| 3.98 | 2.6.0 | - | skipped: no torch 2.6.0 for Python 3.98 | - | - |',
        '| 3.98 | 2.11.0 | 2.11.0 0.26.0 | ok (0 min) | ok (0 min) | ok (0 min) |',
        '| 3.98 | uv | - | skipped: no uv on the PATH | - | - |',
        *(
            f'| 3.99 | {torch} | - | skipped: no python3.99 on the PATH | - | - |'
            for torch in ('2.6.0', '2.11.0', 'uv')
        ),
    ]
    assert done.returncode == 0


def test_nothing_tried_is_no_success(check_versions):
    done = check_versions('-p', '3.99', '-t', 'newest')
    assert done.returncode == 1 and 'nothing was tried' in done.stderr


def test_by_default_every_python_that_is_supported():
    classifiers = (PROJECT / 'setup.cfg').read_text()
    supported = re.findall(r'Python :: (3\.\d+)$', classifiers, re.MULTILINE)
    script = (PROJECT / 'tools/check_versions.sh').read_text()
    assert f"pythons='{' '.join(supported)}'" in script
