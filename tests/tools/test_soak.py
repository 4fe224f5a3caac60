"""A long run takes no more memory, files or disk at its end than after a while.

pytest -m slow tests/tools/test_soak.py
"""

import os
import re
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT
from jobs import Job

CONFIG = PROJECT / 'tests/soak.py'
EPOCHS = 625  # of 32 iterations: 20,000


def resident_bytes(pid: int) -> int:
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


def sample_at_checkpoints(job: Job, work_dir: Path) -> dict[int, tuple]:
    """Epoch of a checkpoint -> resident bytes, open files, bytes of the checkpoint."""
    samples = {}
    record = work_dir / 'last_checkpoint'
    while job.process.poll() is None:
        time.sleep(0.05)
        if not record.is_file():
            continue
        last = Path(record.read_text())
        epoch = int(re.fullmatch(r'epoch_(\d+)', last.stem)[1])
        if epoch in samples:
            continue
        try:
            files = len(os.listdir(f'/proc/{job.process.pid}/fd'))
            size = last.stat().st_size
            samples[epoch] = (resident_bytes(job.process.pid), files, size)
        except FileNotFoundError:  # the process has just ended
            break
    return samples


def mean(values: list) -> float:
    return sum(values) / len(values)


@pytest.mark.slow
def test_twenty_thousand_iterations(tmp_path):
    job = Job(tmp_path, sys.executable, PROJECT / 'tools/train.py', CONFIG)
    samples = sample_at_checkpoints(job, tmp_path / 'work_dirs/soak')
    assert job.end() == 0, job.text()[-3000:]
    assert f'Epoch(train) [{EPOCHS}]' in job.text()

    def quarter(number: int, kind: int) -> list:
        low, high = (number - 1) * EPOCHS / 4, number * EPOCHS / 4
        found = [s[kind] for epoch, s in samples.items() if low < epoch <= high]
        assert len(found) >= 10  # of 31
        return found

    second, last = (mean(quarter(number, 0)) for number in (2, 4))
    print(f'resident MiB, second and last quarter: {second / 2**20} {last / 2**20}')
    assert last == pytest.approx(second, rel=0.03)
    assert max(quarter(4, 1)) <= max(quarter(2, 1))
    sizes = quarter(2, 2) + quarter(4, 2)
    print(f'open files: {max(quarter(4, 1))}; bytes of a checkpoint: {set(sizes)}')
    assert max(sizes) <= 1.005 * min(sizes)  # padding and the lengths of numbers
