"""Lines that never end: prices and transactions."""
