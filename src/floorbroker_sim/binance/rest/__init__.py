"""What is asked: one handler for each operation, shared by the REST API and the WebSocket API."""
