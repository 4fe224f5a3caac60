"""Ask a distillation's teacher for all views of its images, for students to come.

python tools/store_teacher.py configs/distill/r56_r20_kd.py
"""

import contextlib

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from mcmi_plugin.commands import load_config, parser, run, train
from mcmi_plugin.job_config import add_store_hook
from mcmi_plugin.stored.fill import Filled, FillHook


def main(args):
    cfg = load_config(args)
    if not cfg.get('teacher_store'):
        cfg.teacher_store = True
        add_store_hook(cfg)
    with contextlib.suppress(Filled):
        # A teacher that has yet to be made is made, or found, as for a student.
        train(cfg, resume=True, hooks=[FillHook()], anew=True)


if __name__ == '__main__':
    run(main, parser('Keep the outputs of a teacher for all of its students'))
