"""What went wrong, in the words of the config: its keys, files and components."""
