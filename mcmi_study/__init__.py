"""Experiments: arms x grid x seeds as ordinary runs, compared in pairs, reported."""
