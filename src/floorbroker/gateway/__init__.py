"""Supervised broker sessions, the kill switch, and the desk that every door uses."""
