"""One handler for each endpoint, and the state they share."""
