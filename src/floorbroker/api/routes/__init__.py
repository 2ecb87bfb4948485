"""The routes of the door, one module per group of nouns."""
