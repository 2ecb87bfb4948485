"""Interactive Brokers over the socket of TWS and IB Gateway."""
