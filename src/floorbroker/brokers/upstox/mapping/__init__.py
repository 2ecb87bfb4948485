"""Pure functions between Upstox's spelling and ours."""
