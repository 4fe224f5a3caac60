"""One run among many: an arm with a seed, by a study or a sweep."""
