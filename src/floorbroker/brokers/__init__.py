"""One folder per venue, the same rooms in each; `registry.py` is the list."""
