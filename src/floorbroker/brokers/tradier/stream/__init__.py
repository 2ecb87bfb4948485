"""The sans-I/O sessions: polled orders, account events, market data.  They decide and never wait."""
