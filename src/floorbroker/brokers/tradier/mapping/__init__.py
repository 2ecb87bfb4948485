"""Pure functions between Tradier's spelling and ours."""
