"""Bytes in and out: an HTTP shell for reads, one for order commands, one for WebSockets, and a layer per concern."""
