"""The sans-I/O sessions of the gateway's WebSocket: orders and executions, and quotes.  They decide and never wait."""
