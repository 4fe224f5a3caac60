# Inherit this beside a distillation config, and the same student is trained in less
# time: data in memory, a lean step, a teacher validated once.
#
#   _base_ = ['my_distillation_config.py', '.../configs/_base_/fast.py']
#
# What it changes: mcmi_plugin/fast/parts.py. Any part can be chosen by itself, and
# what a config has chosen otherwise stays.
fast = True
