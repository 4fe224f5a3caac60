"""What is wrong with a config, said in its own keys."""
