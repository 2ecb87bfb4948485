"""The WebSocket of the gateway: topics that push, and the texts that ask for them."""
