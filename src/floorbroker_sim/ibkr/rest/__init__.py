"""What the program behind the socket keeps and does: one handler for each request message."""
