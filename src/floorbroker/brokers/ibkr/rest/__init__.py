"""What is asked of the program and what answers it, message by message, over the one connection that all share."""
