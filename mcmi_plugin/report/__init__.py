"""What a run ends in: a table and a picture, on the screen and as files."""
