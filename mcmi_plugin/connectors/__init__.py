"""Trained modules between a recorded feature and a loss.

MMRazor's ``TorchNNConnector`` (a linear layer, for CC) and ``CRDConnector`` (linear,
then L2-normalised) serve as they are; here is what it lacks.
"""
