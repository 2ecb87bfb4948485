"""The two streams as sessions without I/O: transactions of the account, prices."""
