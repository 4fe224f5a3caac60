"""What a run had of the stored outputs of its teacher."""

import json

from mcmi_plugin.report.work_dir import Run
from mcmi_plugin.shown.blocks import Block, Text
from mcmi_plugin.stored.agreement import RECORD


def stored_blocks(run: Run) -> list[Block]:
    """A line, where the teacher's outputs were stored."""
    path = run.folder / RECORD
    if not path.is_file():
        return []
    record = json.loads(path.read_text())
    share = 100 * record['found'] / record['asked']
    words = (
        f'The teacher was asked for {record["asked"]} answers, and {share:.1f} % of '
        f'them were stored before ({record["folder"]}).'
    )
    if 'kl' in record:
        words += (
            f' On {record["rows"]} of the stored views, augmented as in training, the '
            f"student at its end predicts the teacher's class in "
            f'{record["agreement"]:.1f} %; KL(teacher || student) is '
            f'{record["kl"]:.4f} nats.'
        )
    return [Text(words)]
