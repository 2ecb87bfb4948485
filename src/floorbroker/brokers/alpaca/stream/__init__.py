"""The sans-I/O sessions: trade updates, market data, activity events.  They decide and never wait."""
