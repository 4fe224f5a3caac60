# Inherit this beside any MMRazor classification distillation config, and its
# teacher becomes an MCMI teacher before the student sees it:
#
#   _base_ = ['my_distillation_config.py', '.../configs/_base_/mcmi_teacher.py']
#
# Every key: mcmi_plugin/teacher/options.py.
mcmi = dict(lmda=0.1, epochs=10)
