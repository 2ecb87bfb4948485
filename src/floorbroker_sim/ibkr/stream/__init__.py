"""One connection: its session without I/O, the data it subscribed to, and the door that joins it to bytes."""
