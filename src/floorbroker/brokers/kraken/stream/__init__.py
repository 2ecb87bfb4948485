"""The sans-I/O sessions: orders, market data.  They decide and never wait."""
