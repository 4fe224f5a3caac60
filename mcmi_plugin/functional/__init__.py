"""The mathematics in plain PyTorch: nothing here imports OpenMMLab."""
