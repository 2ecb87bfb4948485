"""What the REST API remembers and answers."""
