"""One JSON and one page of what tools/gpu_check.sh has done.

python -m benchmarks.gpu_report FOLDER
"""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image

from benchmarks import results

NO_CARD = 'no GPU: a trial, whose figures say nothing'


def main(folder: Path) -> int:
    """Write ``gpu_check.json`` and ``gpu_check.md``; 0 if every part has succeeded."""
    found = collected(folder)
    (folder / 'gpu_check.json').write_text(json.dumps(found, indent=1) + '\n')
    page = as_markdown(found)
    (folder / 'gpu_check.md').write_text(page)
    print(page)
    return int(any(part['status'] for part in found['parts'].values()))


def collected(folder: Path) -> dict:
    """The card, how each part went and took, tests, figures and accuracies."""
    parts = {}
    for line in (folder / 'parts.txt').read_text().splitlines():
        name, status, seconds = line.split()
        parts[name] = dict(status=int(status), seconds=int(seconds))
    cuda = torch.cuda.is_available()
    return dict(
        card=torch.cuda.get_device_name() if cuda else None,
        parts=parts,
        tests=_tests(folder / 'tests.xml'),
        benchmark=_json(folder / 'benchmark.json'),
        run=_json(folder / 'run/mcmi/summary.json'),
        peak_memory=_lines(folder / 'run.log', 'peak memory'),
        graph=_lines(folder / 'run.log', 'fast.graph'),
    )


def as_markdown(found: dict) -> str:
    """For docs/performance.md, as it is."""
    tests = found['tests'] or {}
    lines = [
        f'`tools/gpu_check.sh` on {found["card"] or NO_CARD}.',
        '',
        '| part | result | seconds |',
        '|---|---|---|',
    ]
    for name, part in found['parts'].items():
        result = {0: 'done', 124: 'not done in time'}.get(
            part['status'], f'failed with exit status {part["status"]}'
        )
        if name == 'tests':
            result += ''.join(f', {number} {kind}' for kind, number in tests.items())
        lines.append(f'| {name} | {result} | {part["seconds"]} |')
    if found['run']:
        lines += ['', '| CIFAR-10, a few epochs each | accuracy, % |', '|---|---|']
        lines += [f'| {row["model"]} | {row["accuracy"]} |' for row in found['run']]
    lines += ['', *found['peak_memory'], *found['graph']]
    if found['benchmark']:
        lines += ['', results.markdown(found['benchmark'])]
    return '\n'.join(lines) + '\n'


def _tests(path: Path) -> dict[str, int] | None:
    if not path.exists():
        return None
    suite = next(ElementTree.parse(path).iter('testsuite')).attrib
    counts = {k: int(suite[k]) for k in ('tests', 'failures', 'errors', 'skipped')}
    passed = counts['tests'] - sum(counts.values()) + counts['tests']
    return dict(passed=passed, failed=counts['failures'] + counts['errors'],
                skipped=counts['skipped'])  # fmt: skip


def _json(path: Path):
    return json.loads(path.read_text()) if path.exists() else None


def _lines(path: Path, words: str) -> list[str]:
    """What the log says of it, each once."""
    if not path.exists():
        return []
    said = [line for line in path.read_text().splitlines() if words in line]
    return list(dict.fromkeys(line[line.index(words) :] for line in said))


def write_noise(folder: Path, classes: int = 10, number: int = 2) -> None:
    """Class folders of random images of 32 pixels, for a trial."""
    random = np.random.default_rng(0)
    for split in ('train', 'val'):
        for label in range(classes):
            own = folder / split / f'class_{label}'
            own.mkdir(parents=True, exist_ok=True)
            for n in range(number):
                pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(own / f'{n}.png')


if __name__ == '__main__':
    if sys.argv[1] == '--noise':
        write_noise(Path(sys.argv[2]))
    else:
        sys.exit(main(Path(sys.argv[1])))
