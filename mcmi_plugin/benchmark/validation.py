"""Validation in a distillation, against MMRazor's loop for it.

``SingleTeacherDistillValLoop`` evaluates the student and, every time anew, the frozen
teacher. Ours evaluates the teacher in the first validation of a run and reports that
figure from then on; what is timed are the others (a CIFAR recipe has 240).
"""
