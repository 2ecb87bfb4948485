"""What venues would answer to a desk, written down once for each, so that every client meets the same cost."""
