"""The stream: sessions of clients."""
