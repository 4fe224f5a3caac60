"""What the plugin's speed is compared with, and how: ``python -m benchmarks``.

Every suite is a file. It yields :class:`~.harness.Contest`, ours against a
baseline in plain PyTorch, and :class:`~.harness.Figure`, a size or another ratio.
"""
