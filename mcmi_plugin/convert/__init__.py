"""Other libraries' checkpoints as mmpretrain's, one file for each naming."""
