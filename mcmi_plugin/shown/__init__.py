"""What is shown: pages, pictures, tables, how far something is and what it is worth."""
