"""One handler per endpoint, over one state."""
