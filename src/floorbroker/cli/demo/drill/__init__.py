"""The failover drill: one desk, two simulated brokers, and one of them goes dark in the middle of an order."""
