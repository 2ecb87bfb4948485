"""Which profile an order goes to, why, and when an intent that went nowhere may go elsewhere (RELIABILITY 5, 7)."""
