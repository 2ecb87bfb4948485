"""What the streams push: account events, and market data over WebSocket and HTTP."""
