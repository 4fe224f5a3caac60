"""From a distillation config to an MCMI teacher."""
