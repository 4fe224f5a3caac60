"""Audit a teacher before GPU days are spent: CMI, calibration, the range of lambda.

python tools/audit_teacher.py configs/mcmi/quickstart_digits.py \
    work_dirs/mcmi_teachers/NAME/teacher.pth
"""

import argparse

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.audit.command import audit_teacher
from mcmi_plugin.commands import run
from mcmi_plugin.overrides import add_overrides

if __name__ == '__main__':
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument(
        'config', help='config of a classifier, or of a distillation with a teacher'
    )
    parse.add_argument(
        'checkpoint',
        help='of the teacher: a file, an address, torchvision://NAME, or the folder of '
        'a training run, whose epochs are compared',
    )
    parse.add_argument(
        '--work-dir', help='folder to write (work_dirs/audit/CONFIG-CHECKPOINT)'
    )
    add_overrides(parse, 'override keys of the config, e.g. model.head.num_classes=10')
    run(audit_teacher, parse)
