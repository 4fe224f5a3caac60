"""What checkpoint files hold, and weights that go into a network whole."""
