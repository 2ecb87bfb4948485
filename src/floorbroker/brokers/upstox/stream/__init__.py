"""The sans-I/O sessions: portfolio stream and market data.  They decide and never wait."""
