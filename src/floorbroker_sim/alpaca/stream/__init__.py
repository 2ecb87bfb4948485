"""The frames the venue pushes: trade updates, market data, server-sent events."""
