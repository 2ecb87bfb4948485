"""What is pushed: market streams, the WebSocket API and the user data events on it."""
