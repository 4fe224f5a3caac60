"""The main job by the real command, on small and on damaged input."""
