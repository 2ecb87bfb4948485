"""Messages exactly as the socket spells them, by server version."""
