"""The student alone out of a distillation's work dir, in a form for use elsewhere."""
