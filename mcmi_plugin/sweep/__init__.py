"""Choose a teacher for a user's own config: a search over lambda and the controls."""
