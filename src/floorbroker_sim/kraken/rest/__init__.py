"""REST: one handler per endpoint, over the venue's memory."""
