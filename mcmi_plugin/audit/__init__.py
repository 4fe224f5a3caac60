"""What a teacher is like, before GPU days are spent on it."""
